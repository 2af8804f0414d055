using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GenoSeq.Torch.Native;

/// <summary>The entry points of the native library, one to one. See <c>native/genoseq_torch.cpp</c>.</summary>
internal static unsafe partial class NativeMethods
{
    internal const string Library = "genoseq_torch";

    [LibraryImport(Library)] internal static partial nint gs_last_error();
    [LibraryImport(Library)] internal static partial long gs_last_managed_error();
    [LibraryImport(Library)] internal static partial nint gs_torch_version();
    [LibraryImport(Library)] internal static partial void gs_free(void* p);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int gs_op_find(string name, string overload, nint* handle);

    [LibraryImport(Library)]
    internal static partial int gs_op_call(nint op, Value* args, int nargs, Value* results, int* nresults);

    [LibraryImport(Library)] internal static partial void gs_results_free(Value* results, int n);

    [LibraryImport(Library)] internal static partial void gs_tensor_free(nint t);
    [LibraryImport(Library)] internal static partial int gs_tensor_bump_version(nint t);
    [LibraryImport(Library)] internal static partial nint gs_tensor_alias(nint t);
    [LibraryImport(Library)] internal static partial int gs_tensor_info(nint t, TensorInfo* info);

    [LibraryImport(Library)]
    internal static partial int gs_tensor_from_blob(void* data, long* sizes, int dim, int dtype,
        delegate* unmanaged<nint, void> deleter, nint context, nint* result);

    [LibraryImport(Library)] internal static partial int gs_tensor_set_requires_grad(nint t, int value);
    [LibraryImport(Library)] internal static partial int gs_tensor_grad(nint t, nint* grad);
    [LibraryImport(Library)] internal static partial int gs_tensor_set_grad(nint t, nint grad);
    [LibraryImport(Library)] internal static partial int gs_tensor_set_data(nint t, nint source);
    [LibraryImport(Library)] internal static partial int gs_tensor_grad_fn_name(nint t, byte* buffer, int size);

    [LibraryImport(Library)]
    internal static partial int gs_backward(nint* tensors, int n, nint* grads, int retainGraph, int createGraph,
        nint* inputs, int nInputs);

    [LibraryImport(Library)]
    internal static partial int gs_grad(nint* outputs, int n, nint* inputs, int nInputs, nint* grads, int retainGraph,
        int createGraph, int allowUnused, nint* results);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int gs_custom_function(string name, nint* inputs, int nInputs, nint* outputs, int nOutputs,
        byte* differentiable, FunctionCallbacks callbacks, nint context, int* attached);

    [LibraryImport(Library)]
    internal static partial int gs_register_hook(nint t, delegate* unmanaged<nint, nint, nint*, long> hook,
        delegate* unmanaged<nint, void> destroy, nint context, uint* id);

    [LibraryImport(Library)] internal static partial int gs_remove_hook(nint t, uint id);

    [LibraryImport(Library)]
    internal static partial int gs_post_accumulate_hook(nint leaf, delegate* unmanaged<nint, long> hook,
        delegate* unmanaged<nint, void> destroy, nint context, nint* handle);

    [LibraryImport(Library)] internal static partial void gs_post_accumulate_release(nint handle);

    [LibraryImport(Library)] internal static partial int gs_grad_mode();
    [LibraryImport(Library)] internal static partial void gs_set_grad_mode(int enabled);
    [LibraryImport(Library)] internal static partial nint gs_inference_enter();
    [LibraryImport(Library)] internal static partial void gs_inference_leave(nint guard);

    [LibraryImport(Library)] internal static partial int gs_manual_seed(long seed);
    [LibraryImport(Library)] internal static partial int gs_rng_state(int deviceType, int deviceIndex, nint* state);
    [LibraryImport(Library)] internal static partial int gs_set_rng_state(int deviceType, int deviceIndex, nint state);
    [LibraryImport(Library)] internal static partial int gs_num_threads();
    [LibraryImport(Library)] internal static partial int gs_set_num_threads(int n);
    [LibraryImport(Library)] internal static partial int gs_blas_threads();

    [LibraryImport(Library)] internal static partial int gs_cuda_device_count();
    [LibraryImport(Library)] internal static partial int gs_cuda_compiled();
    [LibraryImport(Library)] internal static partial int gs_cuda_device_properties(int device, CudaProperties* p);
    [LibraryImport(Library)] internal static partial int gs_cuda_set_device(int device);
    [LibraryImport(Library)] internal static partial int gs_cuda_synchronize(int device);
    [LibraryImport(Library)] internal static partial int gs_cuda_current_stream(int device, nint* stream);
    [LibraryImport(Library)] internal static partial int gs_cuda_memory_stats(int device, CudaMemory* stats);
    [LibraryImport(Library)] internal static partial int gs_cuda_reset_peak_memory(int device);
    [LibraryImport(Library)] internal static partial int gs_cuda_empty_cache();
    [LibraryImport(Library)] internal static partial int gs_cuda_event_create(int device, nint* e);
    [LibraryImport(Library)] internal static partial int gs_cuda_event_record(nint e, int device, nint stream);
    [LibraryImport(Library)] internal static partial int gs_cuda_event_synchronize(nint e);
    [LibraryImport(Library)] internal static partial int gs_cuda_event_elapsed(nint begin, nint end, float* ms);
    [LibraryImport(Library)] internal static partial int gs_cuda_event_destroy(nint e);
    [LibraryImport(Library)] internal static partial int gs_cuda_mem_info(int device, long* free, long* total);

    [LibraryImport(Library)] internal static partial int gs_cuda_stream_create(int device, int highPriority, nint* stream);
    [LibraryImport(Library)] internal static partial int gs_cuda_stream_current(int device, nint* stream);
    [LibraryImport(Library)] internal static partial int gs_cuda_stream_set(nint stream);
    [LibraryImport(Library)] internal static partial int gs_cuda_stream_raw(nint stream, nint* raw);
    [LibraryImport(Library)] internal static partial int gs_cuda_stream_synchronize(nint stream);
    [LibraryImport(Library)] internal static partial int gs_cuda_stream_wait(nint stream, nint other);
    [LibraryImport(Library)] internal static partial int gs_cuda_stream_capturing(int device, int* capturing);
    [LibraryImport(Library)] internal static partial void gs_cuda_stream_free(nint stream);

    [LibraryImport(Library)] internal static partial int gs_cuda_graph_pool(ulong* first, ulong* second);
    [LibraryImport(Library)] internal static partial int gs_cuda_graph_create(int device, nint* graph);

    [LibraryImport(Library)]
    internal static partial int gs_cuda_graph_capture_begin(nint graph, int device, ulong first, ulong second, int mode);

    [LibraryImport(Library)] internal static partial int gs_cuda_graph_capture_end(nint graph, int device);
    [LibraryImport(Library)] internal static partial int gs_cuda_graph_replay(nint graph);
    [LibraryImport(Library)] internal static partial int gs_cuda_graph_reset(nint graph);
    [LibraryImport(Library)] internal static partial int gs_cuda_graph_get_pool(nint graph, ulong* first, ulong* second);
    [LibraryImport(Library)] internal static partial int gs_cuda_graph_free(nint graph);

    [LibraryImport(Library)] internal static partial int gs_dist_backends();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int gs_store_create(string host, int port, int isServer, int worldSize, long timeoutMs,
        int* bound, nint* store);

    [LibraryImport(Library)] internal static partial void gs_store_free(nint store);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int gs_store_set(StoreHandle store, string key, byte* data, int size);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int gs_store_get(StoreHandle store, string key, byte** data, int* size);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int gs_store_add(StoreHandle store, string key, long amount, long* result);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int gs_group_create(StoreHandle store, string prefix, string backend, string? interfaceHost, int rank,
        int worldSize, long timeoutMs, nint* group);

    [LibraryImport(Library)] internal static partial void gs_group_free(nint group);

    [LibraryImport(Library)]
    internal static partial int gs_collective_start(GroupHandle group, int kind, nint* outputs, int nOutputs, nint* inputs,
        int nInputs, int op, int root, long timeoutMs, nint* work);

    [LibraryImport(Library)] internal static partial int gs_work_wait(WorkHandle work, long timeoutMs);
    [LibraryImport(Library)] internal static partial void gs_work_free(nint work);
    [LibraryImport(Library)] internal static partial int gs_work_is_completed(WorkHandle work, int* completed);
}

/// <summary>One argument or result of an operator (<c>gs_value</c>).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Value
{
    internal ValueTag Tag;
    internal int Length;
    internal long Bits;
}

/// <summary>What a <see cref="Value"/> holds (<c>gs_tag</c>).</summary>
internal enum ValueTag
{
    None, Tensor, Int, Double, Bool, String, IntList, DoubleList, TensorList, OptionalTensorList, Default, Device,
    BoolList,
}

/// <summary>What libtorch knows of a tensor (<c>gs_info</c>).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TensorInfo
{
    internal long Numel;
    internal long Offset;
    internal void* Data;
    internal long* Sizes;
    internal long* Strides;
    internal int Dim;
    internal int DType;
    internal int DeviceType;
    internal int DeviceIndex;
    internal int RequiresGrad;
    internal int IsLeaf;
    internal int IsContiguous;
    internal int Version;
}

/// <summary>The managed side of an autograd node (<c>gs_callbacks</c>).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FunctionCallbacks
{
    internal delegate* unmanaged<nint, nint*, int, byte*, nint*, int, long> Backward;
    internal delegate* unmanaged<nint, void> Release;
    internal delegate* unmanaged<nint, void> Destroy;
}

/// <summary>A CUDA device (<c>gs_cuda_properties</c>).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CudaProperties
{
    internal NameBuffer Name;
    internal long TotalMemory;
    internal int Major;
    internal int Minor;
    internal int Multiprocessors;
    internal int MaxSharedMemoryOptin;

    [InlineArray(256)]
    internal struct NameBuffer
    {
        private byte _first;
    }
}

/// <summary>The caching allocator's counters (<c>gs_cuda_memory</c>), in bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CudaMemory
{
    internal long Allocated, PeakAllocated, Reserved, PeakReserved, Free, Total;
}
