using System.Reflection;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public class Module : IDisposable
        {
            private readonly List<(string Name, Module Module)> _modules = [];
            private readonly List<(string Name, Parameter Parameter)> _parameters = [];
            private readonly List<(string Name, Tensor Buffer)> _buffers = [];
            private readonly string _name;

            protected Module(string name) => _name = name;

            public bool training { get; private set; } = true;

            public virtual string GetName() => _name;

            public virtual void train(bool train = true)
            {
                training = train;
                foreach ((_, Module module) in _modules) module.train(train);
            }

            public void eval() => train(false);

            public IEnumerable<(string name, Module module)> named_children() => _modules;

            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                foreach ((string name, Parameter parameter) in _parameters) yield return (name, parameter);
                if (!recurse) yield break;
                foreach ((string prefix, Module module) in _modules)
                {
                    foreach ((string name, Parameter parameter) in module.named_parameters())
                        yield return ($"{prefix}.{name}", parameter);
                }
            }

            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
            {
                foreach ((string name, Tensor buffer) in _buffers) yield return (name, buffer);
                if (!recurse) yield break;
                foreach ((string prefix, Module module) in _modules)
                {
                    foreach ((string name, Tensor buffer) in module.named_buffers())
                        yield return ($"{prefix}.{name}", buffer);
                }
            }

            public virtual IEnumerable<Parameter> parameters(bool recurse = true) =>
                named_parameters(recurse).Select(pair => pair.parameter);

            /// <summary>Moves parameters and buffers; whoever holds them holds the moved ones.</summary>
            internal void MoveTo(Device device)
            {
                using IDisposable still = no_grad();
                foreach (Tensor tensor in parameters().Concat(named_buffers().Select(pair => pair.buffer)))
                {
                    using Tensor moved = tensor.to(device);
                    NativeMethods.Check(NativeMethods.i2p_set_data(tensor.Native, moved.Native));
                }
            }

            /// <summary>Parameters and buffers by name, in PyTorch's order: each module's own first, then its children's.</summary>
            public virtual Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
            {
                destination ??= [];
                string dot = string.IsNullOrEmpty(prefix) ? "" : prefix + ".";
                foreach ((string name, Parameter parameter) in _parameters) destination[dot + name] = parameter;
                foreach ((string name, Tensor buffer) in _buffers) destination[dot + name] = buffer;
                foreach ((string name, Module module) in _modules) module.state_dict(destination, dot + name);
                return destination;
            }

            public virtual void register_module(string name, Module submodule)
            {
                // As strict as the real package: names of modules are parts of a state dict's names.
                if (string.IsNullOrEmpty(name)) throw new ArgumentException("module name can't be empty string \"\"");
                if (name.Contains('.')) throw new ArgumentException($"module name can't contain \".\", got: {name}");
                RequireNew("Sub-module", name, _modules.Any(known => known.Name == name));
                _modules.Add((name, submodule));
            }

            public virtual void register_parameter(string name, Parameter param)
            {
                RequireNew("Parameter", name, _parameters.Any(known => known.Name == name));
                _parameters.Add((name, param));
            }

            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                RequireNew("Tensor", name, _buffers.Any(known => known.Name == name));
                tensor.DetachFromDisposeScope();
                _buffers.Add((name, tensor));
            }

            private static void RequireNew(string kind, string name, bool taken)
            {
                if (taken) throw new InvalidOperationException($"{kind} {name} is already registered.");
            }

            /// <summary>Registers the fields that are modules or parameters under their own names.</summary>
            protected virtual void RegisterComponents()
            {
                foreach (FieldInfo field in GetType().GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public))
                {
                    if (field.DeclaringType == typeof(Module)) continue;
                    switch (field.GetValue(this))
                    {
                        case Module module when _modules.All(known => known.Name != field.Name):
                            register_module(field.Name, module);
                            break;
                        case Parameter parameter when _parameters.All(known => known.Name != field.Name):
                            register_parameter(field.Name, parameter);
                            break;
                    }
                }
            }

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing) return;
                foreach ((_, Module module) in _modules) module.Dispose();
                foreach ((_, Parameter parameter) in _parameters) parameter.Dispose();
                foreach ((_, Tensor buffer) in _buffers) buffer.Dispose();
            }
        }

        /// <summary>Of the real one's hooks the subset has none.</summary>
        public class HookableModule<TPreHook, TPostHook> : Module
        {
            private protected HookableModule(string name) : base(name) { }
        }

        public abstract class Module<T, TResult> : HookableModule<Func<Module<T, TResult>, T, T>, Func<Module<T, TResult>, T, TResult, TResult>>
        {
            protected Module(string name) : base(name) { }

            public abstract TResult forward(T input);

            public TResult call(T input) => forward(input);
        }
    }
}

public static class ModuleExtensionMethods
{
    public static T to<T>(this T module, torch.Device device, bool non_blocking = false) where T : torch.nn.Module
    {
        if (device.type == DeviceType.CUDA && !torch.cuda.is_available()) throw new InvalidOperationException("CUDA is not available.");
        module.MoveTo(device);
        return module;
    }
}
