using System.Buffers.Binary;
using System.Text;

namespace GenoSeq.Torch.Tests.Safetensors;

/// <summary>Makes files byte by byte, right ones and wrong ones.</summary>
internal static class SafetensorsBytes
{
    public static byte[] File(string header, byte[] data) => File(Encoding.UTF8.GetBytes(header), data);

    public static byte[] File(byte[] header, byte[] data)
    {
        var prefix = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(prefix, header.Length);
        return [.. prefix, .. header, .. data];
    }

    public static string Pad(string header) => header.PadRight((header.Length + 7) / 8 * 8);
}
