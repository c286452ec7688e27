// PyTorch's front end in C++: softmax, cross entropy, batch norm at inference, and the optimizers of torch::optim.
//
// Compile it against an installed torch, as libtorch.py says, and: nnlaws check 'command:./libtorch'

#include <torch/torch.h>

#include "wire.hpp"

using torch::Tensor;
using wire::Array;
using wire::Arrays;
namespace functional = torch::nn::functional;
namespace optim = torch::optim;

const std::map<std::string, torch::ScalarType> types = {
    {"float16", torch::kFloat16}, {"bfloat16", torch::kBFloat16}, {"float32", torch::kFloat32}, {"float64", torch::kFloat64}};

Tensor tensor(const Array& array) {
  return torch::from_blob(const_cast<unsigned char*>(array.bytes.data()), array.shape, types.at(array.dtype)).clone();
}

Array back(const Tensor& result, const Array& like) {
  const Tensor whole = result.detach().contiguous();
  const auto* first = static_cast<const unsigned char*>(whole.data_ptr());
  return {like.dtype, whole.sizes().vec(), {first, first + whole.nbytes()}};
}

// T steps of an optimizer, with a rate for all or one a step
template <class Make> Arrays stepped(const Arrays& given, Make make) {
  const Array &rate = given.at("learning_rate"), &gradients = given.at("grads");
  Tensor theta = tensor(given.at("theta")).requires_grad_(true), all = tensor(gradients), iterates = torch::empty_like(all);
  auto optimizer = make(std::vector<Tensor>{theta}, rate.number());
  for (int64_t step = 0; step < all.size(0); ++step) {
    if (!rate.shape.empty())
      for (auto& group : optimizer.param_groups()) group.options().set_lr(rate.number(step));
    theta.mutable_grad() = all[step].clone();
    optimizer.step();
    iterates[step].copy_(theta.detach());
  }
  return {{"iterates", back(iterates, gradients)}};
}

double option(const Arrays& given, const char* name) { return given.at(name).number(); }

int main() {
  torch::set_num_threads(1);
  wire::serve(
      "name=libtorch version=" TORCH_VERSION " dtypes=float32,float64 conventions=velocity:heavy_ball",
      {{"softmax", [](const Arrays& in) { return Arrays{{"a", back(torch::softmax(tensor(in.at("z")), 1), in.at("z"))}}; }},
       {"log_softmax",
        [](const Arrays& in) { return Arrays{{"l", back(torch::log_softmax(tensor(in.at("z")), 1), in.at("z"))}}; }},
       {"cross_entropy",
        [](const Arrays& in) {
          return Arrays{{"J", back(functional::cross_entropy(tensor(in.at("z")), tensor(in.at("y"))), in.at("z"))}};
        }},
       {"batch_norm_inference",
        [](const Arrays& in) {
          const auto options = functional::BatchNormFuncOptions()
                                   .weight(tensor(in.at("gamma")))
                                   .bias(tensor(in.at("beta")))
                                   .training(false)
                                   .eps(option(in, "eps"));
          const Tensor z = tensor(in.at("z")), mean = tensor(in.at("mean")), variance = tensor(in.at("var"));
          return Arrays{{"out", back(functional::batch_norm(z, mean, variance, options), in.at("z"))}};
        }},
       {"gradient_descent",
        [](const Arrays& in) {
          return stepped(in, [](auto theta, double rate) { return optim::SGD(theta, optim::SGDOptions(rate)); });
        }},
       {"momentum",
        [](const Arrays& in) {
          return stepped(in, [&](auto theta, double rate) {
            return optim::SGD(theta, optim::SGDOptions(rate).momentum(option(in, "beta")));
          });
        }},
       {"rmsprop",
        [](const Arrays& in) {
          return stepped(in, [&](auto theta, double rate) {
            return optim::RMSprop(theta, optim::RMSpropOptions(rate).alpha(option(in, "beta")).eps(option(in, "eps")));
          });
        }},
       {"adam",
        [](const Arrays& in) {
          return stepped(in, [&](auto theta, double rate) {
            return optim::Adam(theta, optim::AdamOptions(rate).betas({option(in, "beta1"), option(in, "beta2")}).eps(
                                          option(in, "eps")));
          });
        }},
       {"adamw", [](const Arrays& in) {
          return stepped(in, [&](auto theta, double rate) {
            return optim::AdamW(theta, optim::AdamWOptions(rate)
                                           .betas({option(in, "beta1"), option(in, "beta2")})
                                           .eps(option(in, "eps"))
                                           .weight_decay(option(in, "weight_decay")));
          });
        }}});
}
