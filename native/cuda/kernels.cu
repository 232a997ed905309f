// All kernels in one translation unit: one PTX module.
#include "blend.h"
#include "pool.h"
#include "propose.h"
#include "select.h"
#include "shrink.h"
#include "tensorise.h"
