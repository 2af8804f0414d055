namespace GenoSeq.Torch;

public static unsafe partial class torch
{
    private static readonly Operator s_toDeviceAsync = new("aten::to", "device");

    /// <summary>
    /// A tensor on the host with a copy of the values, ready to be copied to a device without waiting: for CUDA in page-locked
    /// memory, which libtorch keeps until copies from it are done, whenever the tensor is disposed of.
    /// </summary>
    /// <param name="values">Elements in row-major order.</param>
    /// <param name="size">Shape; its product is the number of values.</param>
    /// <param name="device">Where the values are to go.</param>
    public static Tensor staged<T>(ReadOnlySpan<T> values, long[] size, Device device) where T : unmanaged
    {
        if (device.Type != DeviceType.CUDA)
        {
            return tensor(values, size);
        }

        Tensor t = s_empty.Call(size, ScalarTypes.Of<T>(), Arg.None, Device.CPU, true);
        values.CopyTo(t.AsSpan<T>());
        return t;
    }

    /// <summary>A tensor on a device with a copy of the values, which the program does not wait for (see <see cref="staged"/>).</summary>
    /// <param name="values">Elements in row-major order.</param>
    /// <param name="size">Shape; its product is the number of values.</param>
    /// <param name="device">Where to put it.</param>
    public static Tensor tensor_async<T>(ReadOnlySpan<T> values, long[] size, Device device) where T : unmanaged
    {
        Tensor host = staged(values, size, device);
        if (device.Type != DeviceType.CUDA)
        {
            return host;
        }

        using (host)
        {
            return s_toDeviceAsync.Call(host, device, host.dtype, true);
        }
    }
}
