using System.Runtime.InteropServices;
using GenoSeq.Torch;

namespace GenoSeq.Inference.Output.AnnData;

/// <summary>The functions of HDF5's C library (1.10 or newer) that are called, resolved once.</summary>
internal sealed unsafe class Hdf5Library
{
    internal const uint Truncate = 2;
    internal const int Scalar = 0;
    internal const int SelectSet = 0;
    internal static readonly nuint Variable = nuint.MaxValue;

    private static readonly string[] s_names = ["libhdf5_serial.so.103", "libhdf5.so.103", "libhdf5.so.200", "libhdf5.so.310", "libhdf5_serial.so", "libhdf5.so"];
    private static readonly Lazy<Hdf5Library> s_instance = new(Find, LazyThreadSafetyMode.PublicationOnly);

    internal readonly delegate* unmanaged[Cdecl]<byte*, uint, long, long, long> FileCreate;
    internal readonly delegate* unmanaged[Cdecl]<long, int> FileClose;
    internal readonly delegate* unmanaged[Cdecl]<long, byte*, long, long, long, long> GroupCreate;
    internal readonly delegate* unmanaged[Cdecl]<long, int> GroupClose;
    internal readonly delegate* unmanaged[Cdecl]<int, long> SpaceCreate;
    internal readonly delegate* unmanaged[Cdecl]<int, ulong*, ulong*, long> SpaceCreateSimple;
    internal readonly delegate* unmanaged[Cdecl]<long, int, ulong*, ulong*, ulong*, ulong*, int> SpaceSelect;
    internal readonly delegate* unmanaged[Cdecl]<long, int> SpaceClose;
    internal readonly delegate* unmanaged[Cdecl]<long, long> TypeCopy;
    internal readonly delegate* unmanaged[Cdecl]<long, nuint, int> TypeSetSize;
    internal readonly delegate* unmanaged[Cdecl]<long, int, int> TypeSetCharacters;
    internal readonly delegate* unmanaged[Cdecl]<long, byte*, long, long, long, long, long, long> DataCreate;
    internal readonly delegate* unmanaged[Cdecl]<long, long, long, long, long, void*, int> DataWrite;
    internal readonly delegate* unmanaged[Cdecl]<long, int> DataClose;
    internal readonly delegate* unmanaged[Cdecl]<long, byte*, long, long, long, long, long> AttributeCreate;
    internal readonly delegate* unmanaged[Cdecl]<long, long, void*, int> AttributeWrite;
    internal readonly delegate* unmanaged[Cdecl]<long, int> AttributeClose;
    internal readonly delegate* unmanaged[Cdecl]<long, long> PropertyCreate;
    internal readonly delegate* unmanaged[Cdecl]<long, int, ulong*, int> PropertySetChunk;
    internal readonly delegate* unmanaged[Cdecl]<long, uint, int> PropertySetDeflate;
    internal readonly delegate* unmanaged[Cdecl]<long, byte, int> PropertyTrackTimes;
    internal readonly delegate* unmanaged[Cdecl]<long, int> PropertyClose;

    private Hdf5Library(nint library)
    {
        FileCreate = (delegate* unmanaged[Cdecl]<byte*, uint, long, long, long>)Export("H5Fcreate");
        FileClose = (delegate* unmanaged[Cdecl]<long, int>)Export("H5Fclose");
        GroupCreate = (delegate* unmanaged[Cdecl]<long, byte*, long, long, long, long>)Export("H5Gcreate2");
        GroupClose = (delegate* unmanaged[Cdecl]<long, int>)Export("H5Gclose");
        SpaceCreate = (delegate* unmanaged[Cdecl]<int, long>)Export("H5Screate");
        SpaceCreateSimple = (delegate* unmanaged[Cdecl]<int, ulong*, ulong*, long>)Export("H5Screate_simple");
        SpaceSelect = (delegate* unmanaged[Cdecl]<long, int, ulong*, ulong*, ulong*, ulong*, int>)Export("H5Sselect_hyperslab");
        SpaceClose = (delegate* unmanaged[Cdecl]<long, int>)Export("H5Sclose");
        TypeCopy = (delegate* unmanaged[Cdecl]<long, long>)Export("H5Tcopy");
        TypeSetSize = (delegate* unmanaged[Cdecl]<long, nuint, int>)Export("H5Tset_size");
        TypeSetCharacters = (delegate* unmanaged[Cdecl]<long, int, int>)Export("H5Tset_cset");
        DataCreate = (delegate* unmanaged[Cdecl]<long, byte*, long, long, long, long, long, long>)Export("H5Dcreate2");
        DataWrite = (delegate* unmanaged[Cdecl]<long, long, long, long, long, void*, int>)Export("H5Dwrite");
        DataClose = (delegate* unmanaged[Cdecl]<long, int>)Export("H5Dclose");
        AttributeCreate = (delegate* unmanaged[Cdecl]<long, byte*, long, long, long, long, long>)Export("H5Acreate2");
        AttributeWrite = (delegate* unmanaged[Cdecl]<long, long, void*, int>)Export("H5Awrite");
        AttributeClose = (delegate* unmanaged[Cdecl]<long, int>)Export("H5Aclose");
        PropertyCreate = (delegate* unmanaged[Cdecl]<long, long>)Export("H5Pcreate");
        PropertySetChunk = (delegate* unmanaged[Cdecl]<long, int, ulong*, int>)Export("H5Pset_chunk");
        PropertySetDeflate = (delegate* unmanaged[Cdecl]<long, uint, int>)Export("H5Pset_deflate");
        PropertyTrackTimes = (delegate* unmanaged[Cdecl]<long, byte, int>)Export("H5Pset_obj_track_times");
        PropertyClose = (delegate* unmanaged[Cdecl]<long, int>)Export("H5Pclose");
        _ = ((delegate* unmanaged[Cdecl]<int>)Export("H5open"))();
        _ = ((delegate* unmanaged[Cdecl]<long, void*, void*, int>)Export("H5Eset_auto2"))(0, null, null);
        Float = *(long*)Export("H5T_IEEE_F32LE_g");
        Int64 = *(long*)Export("H5T_STD_I64LE_g");
        Characters = *(long*)Export("H5T_C_S1_g");
        DatasetProperties = *(long*)Export("H5P_CLS_DATASET_CREATE_ID_g");

        nint Export(string name) => NativeLibrary.GetExport(library, name);
    }

    /// <summary>The machine's library.</summary>
    /// <exception cref="MissingLibraryException">There is none.</exception>
    internal static Hdf5Library Instance => s_instance.Value;

    internal long Float { get; }

    internal long Int64 { get; }

    internal long Characters { get; }

    internal long DatasetProperties { get; }

    private static Hdf5Library Find()
    {
        string why = "";
        foreach (string name in s_names)
        {
            if (!NativeLibrary.TryLoad(name, out nint library))
            {
                continue;
            }

            try
            {
                return new Hdf5Library(library);
            }
            catch (EntryPointNotFoundException e)
            {
                why = $": {name} is too old: {e.Message}";
            }
        }

        throw new MissingLibraryException($"h5ad needs HDF5's library, which is not installed (looked for {string.Join(", ", s_names)}{why})",
            "libhdf5 1.10 or newer", "apt-get install libhdf5-103-1, or write zarr (-o NAME.zarr), which needs no library");
    }
}
