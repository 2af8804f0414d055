using System.Diagnostics;
using System.Text;
using GenoSeq.Torch.Native;

namespace GenoSeq.Torch;

public static unsafe partial class torch
{
    public static partial class distributed
    {
        /// <summary>
        /// A table of keys and values that one process serves to all: where ranks find each other. One instance serves one
        /// thread at a time: a <see cref="get"/> that waits holds up the others.
        /// </summary>
        public sealed class TCPStore : IDisposable
        {
            private readonly TimeSpan _timeout;

            /// <summary>Serves a store, or connects to one (waiting for it to appear).</summary>
            /// <param name="host_name">Host of the server.</param>
            /// <param name="port">Its port; 0 on the server takes a free one, see <see cref="Port"/>.</param>
            /// <param name="world_size">Number of processes.</param>
            /// <param name="is_master">True on the one that serves.</param>
            /// <param name="timeout">For connecting and for waiting; <see cref="default_timeout"/> when null.</param>
            /// <exception cref="DistributedException">The port is taken, or there is no server in time.</exception>
            public TCPStore(string host_name, int port, int world_size, bool is_master, TimeSpan? timeout = null)
            {
                ArgumentException.ThrowIfNullOrEmpty(host_name);
                ArgumentOutOfRangeException.ThrowIfNegative(port);
                ArgumentOutOfRangeException.ThrowIfGreaterThan(port, 65535);
                ArgumentOutOfRangeException.ThrowIfLessThan(world_size, 1);
                _timeout = timeout ?? default_timeout;
                int bound;
                nint handle;
                long began = Stopwatch.GetTimestamp();
                int status = NativeMethods.gs_store_create(host_name, port, is_master ? 1 : 0, world_size,
                    Milliseconds(_timeout), &bound, &handle);
                DistributedException.Check(status, -1, $"{(is_master ? "serving" : "connecting to")} the store at "
                    + $"{host_name}:{port}", began, _timeout);
                Handle = new StoreHandle(handle);
                Port = bound;
            }

            /// <summary>The server's port.</summary>
            public int Port { get; }

            internal StoreHandle Handle { get; }

            /// <summary>Sets a key.</summary>
            public void set(string key, ReadOnlySpan<byte> value)
            {
                long began = Stopwatch.GetTimestamp();
                fixed (byte* data = value)
                {
                    byte none = 0;
                    DistributedException.Check(
                        NativeMethods.gs_store_set(Handle, key, data is null ? &none : data, value.Length), -1,
                        $"setting '{key}'", began, _timeout);
                }
            }

            /// <summary>Sets a key to a text.</summary>
            public void set(string key, string value) => set(key, Encoding.UTF8.GetBytes(value));

            /// <summary>A key's value; waits until somebody sets it.</summary>
            /// <exception cref="DistributedException">Nobody did in time.</exception>
            public byte[] get(string key)
            {
                long began = Stopwatch.GetTimestamp();
                byte* data;
                int size;
                DistributedException.Check(NativeMethods.gs_store_get(Handle, key, &data, &size), -1,
                    $"waiting for '{key}'", began, _timeout);
                byte[] value = new ReadOnlySpan<byte>(data, size).ToArray();
                NativeMethods.gs_free(data);
                return value;
            }

            /// <summary>A key's value as text.</summary>
            public string get_string(string key) => Encoding.UTF8.GetString(get(key));

            /// <summary>Adds to a counter (0 at first) and returns its new value.</summary>
            public long add(string key, long amount)
            {
                long began = Stopwatch.GetTimestamp();
                long result;
                DistributedException.Check(NativeMethods.gs_store_add(Handle, key, amount, &result), -1,
                    $"adding to '{key}'", began, _timeout);
                return result;
            }

            /// <summary>Disconnects; the server ends when the groups made over it are gone too.</summary>
            public void Dispose() => Handle.Dispose();
        }

        internal static long Milliseconds(TimeSpan timeout)
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
            return Math.Max(1, (long)timeout.TotalMilliseconds);
        }
    }
}
