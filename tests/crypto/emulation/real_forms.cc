// The table of forms.cc once more, of the CPU's own instructions.
#define WGU_REAL_FORMS
#include "crypto/emulation/forms.cc"
