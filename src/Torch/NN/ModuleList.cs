using System.Collections;
using System.Globalization;

namespace GenoSeq.Torch;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Modules in order, named by their index.</summary>
        /// <typeparam name="T">What they are.</typeparam>
        public sealed class ModuleList<T> : Module, IReadOnlyList<T> where T : Module
        {
            private readonly T[] _items;

            /// <summary>Takes over the modules.</summary>
            public ModuleList(IEnumerable<T> items)
            {
                _items = [.. items];
                for (int i = 0; i < _items.Length; i++)
                {
                    register_module(i.ToString(CultureInfo.InvariantCulture), _items[i]);
                }
            }

            /// <inheritdoc/>
            public int Count => _items.Length;

            /// <inheritdoc/>
            public T this[int index] => _items[index];

            /// <inheritdoc/>
            public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)_items).GetEnumerator();

            IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
        }
    }
}
