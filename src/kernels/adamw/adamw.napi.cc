#include "adamw.h"

#include "../native/binding.h"

namespace emu {

// (parameter, m, v, grad, newParameter, newM, newV, n, beta1, beta2, eps, decay, rate, correction,
// scale)
EMU_EXPORT(adamw) {
  AdamwArgs args;
  args.n = call.size(7);
  args.parameter = call.floats(0, args.n);
  args.m = call.floats(1, args.n);
  args.v = call.floats(2, args.n);
  args.grad = call.floats(3, args.n);
  args.newParameter = call.floats(4, args.n);
  args.newM = call.floats(5, args.n);
  args.newV = call.floats(6, args.n);
  args.gain1 = static_cast<float>(1 - call.number(8));
  args.beta2 = static_cast<float>(call.number(9));
  args.gain2 = static_cast<float>(1 - call.number(9));
  args.eps = static_cast<float>(call.number(10));
  args.decay = static_cast<float>(call.number(11));
  args.rate = static_cast<float>(call.number(12));
  args.correction = static_cast<float>(call.number(13));
  args.scale = static_cast<float>(call.number(14));
  adamw(args);
}

EMU_EXPORT(sumOfSquares) {  // (x, n) -> sum of squares, added in float64
  SumOfSquaresArgs args;
  double sum = 0;
  args.n = call.size(1);
  args.x = call.floats(0, args.n);
  args.out = &sum;
  sumOfSquares(args);
  napi_value result;
  napi_create_double(call.env(), sum, &result);
  call.returns(result);
}

}  // namespace emu
