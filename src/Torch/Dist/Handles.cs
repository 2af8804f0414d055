using System.Runtime.InteropServices;

namespace GenoSeq.Torch.Native;

/// <summary>
/// What owns a native object of the process groups. As arguments of native calls these are counted: disposing one while
/// another thread waits in it frees it when that call returns.
/// </summary>
internal abstract class OwnedHandle : SafeHandle
{
    protected OwnedHandle(nint handle) : base(0, true) => SetHandle(handle);

    public override bool IsInvalid => handle == 0;
}

internal sealed class StoreHandle(nint handle) : OwnedHandle(handle)
{
    protected override bool ReleaseHandle()
    {
        NativeMethods.gs_store_free(handle);
        return true;
    }
}

internal sealed class GroupHandle(nint handle) : OwnedHandle(handle)
{
    protected override bool ReleaseHandle()
    {
        NativeMethods.gs_group_free(handle);
        return true;
    }
}

internal sealed class WorkHandle(nint handle) : OwnedHandle(handle)
{
    protected override bool ReleaseHandle()
    {
        NativeMethods.gs_work_free(handle);
        return true;
    }
}
