// All kernels in one translation unit: one PTX module.
#include "blend.h"
#include "tensorise.h"
