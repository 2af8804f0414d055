using System.Diagnostics.CodeAnalysis;

namespace GenoSeq.Torch;

public static partial class torch
{
    /// <summary>Modules and their parameters.</summary>
    public static partial class nn
    {
        /// <summary>A trainable tensor: a leaf, outside all dispose scopes, owned by its module.</summary>
        public sealed class Parameter : Tensor
        {
            /// <summary>Takes over a tensor's storage.</summary>
            /// <param name="data">Values; the wrapper given is not disposed.</param>
            /// <param name="requires_grad">Whether it is trained.</param>
            public Parameter(Tensor data, bool requires_grad = true) : base(Detached(data))
            {
                DetachFromDisposeScope();
                this.requires_grad = requires_grad;
            }

            /// <summary>True for a parameter that weight decay must leave alone (A_log, D, biases, norms).</summary>
            public bool NoWeightDecay { get; init; }

            /// <summary>True for a parameter that stays in single precision whatever the model's type.</summary>
            public bool KeepFloat32 { get; init; }

            private static nint Detached(Tensor data)
            {
                using Tensor d = data.detach();
                return Native.NativeMethods.gs_tensor_alias(d.Handle);
            }
        }

        /// <summary>
        /// A piece of a model: named parameters, buffers and submodules. Names joined by points are the keys of a
        /// checkpoint. Registration is explicit, so that trimming cannot lose a field.
        /// </summary>
        public abstract class Module : IDisposable
        {
            private readonly List<(string Name, Parameter Value)> _parameters = [];
            private readonly List<(string Name, Tensor Value, bool Persistent)> _buffers = [];
            private readonly List<(string Name, Module Value)> _modules = [];

            /// <summary>True between <see cref="train"/> and <see cref="eval"/>.</summary>
            public bool training { get; private set; } = true;

            /// <summary>Registers a parameter under a name and returns it.</summary>
            protected Parameter register_parameter(string name, Parameter parameter)
            {
                RequireFresh(name, _parameters.Exists(p => p.Name == name));
                _parameters.Add((name, parameter));
                return parameter;
            }

            /// <summary>Registers a tensor that is part of the state but not trained.</summary>
            protected Tensor register_buffer(string name, Tensor buffer, bool persistent = true)
            {
                RequireFresh(name, _buffers.Exists(b => b.Name == name));
                _buffers.Add((name, buffer.DetachFromDisposeScope(), persistent));
                return buffer;
            }

            /// <summary>Registers a submodule under a name and returns it.</summary>
            [return: NotNullIfNotNull(nameof(module))]
            protected T? register_module<T>(string name, T? module) where T : Module
            {
                if (module is not null)
                {
                    RequireFresh(name, _modules.Exists(m => m.Name == name));
                    _modules.Add((name, module));
                }

                return module;
            }

            /// <summary>Submodules with their names, in order of registration.</summary>
            public IEnumerable<(string name, Module module)> named_children() => _modules;

            /// <summary>
            /// Parameters with their full names, in order of registration. A parameter registered in several places (a
            /// tied one) comes once, under its first name, unless <paramref name="remove_duplicate"/> is false.
            /// </summary>
            public IEnumerable<(string name, Parameter parameter)> named_parameters(bool remove_duplicate = true)
            {
                var seen = new HashSet<Parameter>(ReferenceEqualityComparer.Instance);
                return Walk("").Where(p => !remove_duplicate || seen.Add(p.parameter));
            }

            /// <summary>Parameters, each once.</summary>
            public IEnumerable<Parameter> parameters() => named_parameters().Select(p => p.parameter);

            /// <summary>Buffers with their full names.</summary>
            public IEnumerable<(string name, Tensor buffer)> named_buffers(bool persistentOnly = false) =>
                WalkBuffers("", persistentOnly);

            /// <summary>Number of trained values, tied ones counted once.</summary>
            public long NumParameters => parameters().Sum(p => p.numel());

            /// <summary>Sets training mode here and below.</summary>
            public virtual void train(bool mode = true)
            {
                training = mode;
                foreach ((_, Module m) in _modules)
                {
                    m.train(mode);
                }
            }

            /// <summary>Ends training mode here and below.</summary>
            public void eval() => train(false);

            /// <summary>
            /// Moves parameters, their gradients and buffers to a device. Hooks that wait for gradients are registered
            /// afterwards: a parameter that moves loses them.
            /// </summary>
            public void to(Device device)
            {
                using IDisposable mode = no_grad();
                foreach (Parameter p in parameters())
                {
                    using Tensor? gradient = p.grad;
                    Move(p, device);
                    if (gradient is not null)
                    {
                        using Tensor moved = gradient.to(device);
                        p.grad = moved;
                    }
                }

                foreach ((_, Tensor b) in named_buffers())
                {
                    Move(b, device);
                }
            }

            /// <summary>Drops all gradients.</summary>
            public void zero_grad()
            {
                foreach (Parameter p in parameters())
                {
                    p.grad = null;
                }
            }

            /// <inheritdoc/>
            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            /// <summary>Disposes parameters, buffers and submodules.</summary>
            protected virtual void Dispose(bool disposing)
            {
                if (disposing)
                {
                    _parameters.ForEach(p => p.Value.Dispose());
                    _buffers.ForEach(b => b.Value.Dispose());
                    _modules.ForEach(m => m.Value.Dispose());
                }
            }

            // Names are the keys of a checkpoint: two of the same would be written and read as one.
            private void RequireFresh(string name, bool taken)
            {
                ArgumentException.ThrowIfNullOrEmpty(name);
                if (taken || name.Contains('.', StringComparison.Ordinal))
                {
                    throw new ArgumentException(
                        $"{GetType().Name}: the name '{name}' {(taken ? "is taken" : "has a point in it")}", nameof(name));
                }
            }

            private static void Move(Tensor t, Device device)
            {
                if (t.device != device)
                {
                    using Tensor moved = t.to(device);
                    t.set_data(moved);
                }
            }

            private IEnumerable<(string name, Parameter parameter)> Walk(string prefix)
            {
                foreach ((string name, Parameter value) in _parameters)
                {
                    yield return (prefix + name, value);
                }

                foreach ((string name, Module module) in _modules)
                {
                    foreach ((string, Parameter) p in module.Walk($"{prefix}{name}."))
                    {
                        yield return p;
                    }
                }
            }

            private IEnumerable<(string name, Tensor buffer)> WalkBuffers(string prefix, bool persistentOnly)
            {
                foreach ((string name, Tensor value, bool persistent) in _buffers)
                {
                    if (persistent || !persistentOnly)
                    {
                        yield return (prefix + name, value);
                    }
                }

                foreach ((string name, Module module) in _modules)
                {
                    foreach ((string, Tensor) b in module.WalkBuffers($"{prefix}{name}.", persistentOnly))
                    {
                        yield return b;
                    }
                }
            }
        }
    }
}
