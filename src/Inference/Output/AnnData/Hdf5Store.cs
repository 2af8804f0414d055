using System.Runtime.InteropServices;
using System.Text;
using GenoSeq.Data;

namespace GenoSeq.Inference.Output.AnnData;

/// <summary>An HDF5 file. Text is UTF-8 of variable length, as h5py writes it; objects keep no times, so equal rows give equal files.</summary>
internal sealed unsafe class Hdf5Store : AnnDataStore, IDisposable
{
    private const int BlockRows = 1 << 14;
    private const int Utf8 = 1;

    private readonly Hdf5Library _hdf5 = Hdf5Library.Instance;
    private readonly string _path;
    private readonly bool _compress;
    private readonly long _file;
    private readonly long _text;

    internal Hdf5Store(string path, bool compress)
    {
        (_path, _compress) = (path, compress);
        fixed (byte* name = Name(path))
        {
            _file = Check(_hdf5.FileCreate(name, Hdf5Library.Truncate, 0, 0));
        }

        _text = Check(_hdf5.TypeCopy(_hdf5.Characters));
        Check(_hdf5.TypeSetSize(_text, Hdf5Library.Variable));
        Check(_hdf5.TypeSetCharacters(_text, Utf8));
    }

    internal override void Group(string path, params Attribute[] attributes)
    {
        if (path.Length == 0)
        {
            Attributes(_file, attributes);
            return;
        }

        fixed (byte* name = Name(path))
        {
            long group = Check(_hdf5.GroupCreate(_file, name, 0, 0, 0));
            Attributes(group, attributes);
            Check(_hdf5.GroupClose(group));
        }
    }

    internal override void Matrix(string path, long rows, int width, Stream values, params Attribute[] attributes)
    {
        int block = (int)Math.Clamp((4 << 20) / (4L * width), 1, BlockRows);
        var bytes = new byte[4 * block * width];
        Dataset(path, [rows, width], [Math.Min(block, Math.Max(1, rows)), width], _hdf5.Float, attributes, data =>
        {
            for (long first = 0; first < rows; first += block)
            {
                int count = (int)Math.Min(block, rows - first);
                values.ReadExactly(bytes.AsSpan(0, 4 * count * width));
                fixed (byte* p = bytes)
                {
                    WriteBlock(data, _hdf5.Float, [first, 0], [count, width], [rows, width], p);
                }
            }
        });
    }

    internal override void Integers(string path, long count, IEnumerable<long> values, params Attribute[] attributes) =>
        Dataset(path, [count], [Math.Clamp(count, 1, BlockRows)], _hdf5.Int64, attributes, data =>
        {
            long first = 0;
            foreach (long[] some in values.Chunk(BlockRows))
            {
                fixed (long* p = some)
                {
                    WriteBlock(data, _hdf5.Int64, [first], [some.Length], [count], p);
                }

                first += some.Length;
            }
        });

    internal override void Texts(string path, long count, IEnumerable<string> values, params Attribute[] attributes) =>
        Dataset(path, [count], [Math.Clamp(count, 1, BlockRows)], _text, attributes, data =>
        {
            long first = 0;
            foreach (string[] some in values.Chunk(BlockRows))
            {
                WithTexts(some, p => WriteBlock(data, _text, [first], [some.Length], [count], (void*)p));
                first += some.Length;
            }
        });

    internal override void Text(string path, string value, params Attribute[] attributes) =>
        Dataset(path, [], [], _text, attributes, data =>
            WithTexts([value], p => Check(_hdf5.DataWrite(data, _text, 0, 0, 0, (void*)p))));

    public void Dispose() => _hdf5.FileClose(_file);

    private void Dataset(string path, long[] shape, long[] chunk, long type, Attribute[] attributes, Action<long> fill)
    {
        long properties = Check(_hdf5.PropertyCreate(_hdf5.DatasetProperties));
        Check(_hdf5.PropertyTrackTimes(properties, 0));
        if (_compress && shape.Length > 0)
        {
            ulong[] sizes = Array.ConvertAll(chunk, c => (ulong)c);
            fixed (ulong* p = sizes)
            {
                Check(_hdf5.PropertySetChunk(properties, sizes.Length, p));
            }

            Check(_hdf5.PropertySetDeflate(properties, 1));
        }

        long space = Space(shape);
        fixed (byte* name = Name(path))
        {
            long data = Check(_hdf5.DataCreate(_file, name, type, space, 0, properties, 0));
            Attributes(data, attributes);
            fill(data);
            Check(_hdf5.DataClose(data));
        }

        Check(_hdf5.SpaceClose(space));
        Check(_hdf5.PropertyClose(properties));
    }

    private void WriteBlock(long data, long type, long[] first, long[] count, long[] shape, void* values)
    {
        long file = Space(shape);
        long memory = Space(count);
        fixed (ulong* from = Array.ConvertAll(first, f => (ulong)f))
        fixed (ulong* size = Array.ConvertAll(count, c => (ulong)c))
        {
            Check(_hdf5.SpaceSelect(file, Hdf5Library.SelectSet, from, null, size, null));
        }

        Check(_hdf5.DataWrite(data, type, memory, file, 0, values));
        Check(_hdf5.SpaceClose(memory));
        Check(_hdf5.SpaceClose(file));
    }

    private long Space(long[] shape)
    {
        if (shape.Length == 0)
        {
            return Check(_hdf5.SpaceCreate(Hdf5Library.Scalar));
        }

        fixed (ulong* sizes = Array.ConvertAll(shape, s => (ulong)s))
        {
            return Check(_hdf5.SpaceCreateSimple(shape.Length, sizes, null));
        }
    }

    private void Attributes(long node, Attribute[] attributes)
    {
        foreach (Attribute a in attributes)
        {
            long space = Space(a.Texts is null ? [] : [a.Texts.Count]);
            fixed (byte* name = Name(a.Name))
            {
                long attribute = Check(_hdf5.AttributeCreate(node, name, _text, space, 0, 0));
                if (a.Texts is not { Count: 0 })
                {
                    WithTexts([.. a.Texts ?? [a.Text ?? ""]], p => Check(_hdf5.AttributeWrite(attribute, _text, (void*)p)));
                }

                Check(_hdf5.AttributeClose(attribute));
            }

            Check(_hdf5.SpaceClose(space));
        }
    }

    // Addresses of zero-terminated texts, valid during the call.
    private static void WithTexts(string[] texts, Action<nint> use)
    {
        int bytes = texts.Sum(t => Encoding.UTF8.GetByteCount(t) + 1);
        byte* block = (byte*)NativeMemory.Alloc((nuint)Math.Max(1, bytes));
        byte** addresses = (byte**)NativeMemory.Alloc((nuint)Math.Max(1, texts.Length), (nuint)sizeof(byte*));
        try
        {
            byte* at = block;
            for (int i = 0; i < texts.Length; i++)
            {
                addresses[i] = at;
                int length = Encoding.UTF8.GetBytes(texts[i], new Span<byte>(at, (int)(block + bytes - at)));
                at[length] = 0;
                at += length + 1;
            }

            use((nint)addresses);
        }
        finally
        {
            NativeMemory.Free(block);
            NativeMemory.Free(addresses);
        }
    }

    private static byte[] Name(string text) => Encoding.UTF8.GetBytes(text + "\0");

    private long Check(long status) => status >= 0
        ? status
        : throw new OutputException(OutputProblem.Failed, "HDF5's library could not write", _path, "room and permission to write", "another folder, or zarr (-o NAME.zarr)");
}
