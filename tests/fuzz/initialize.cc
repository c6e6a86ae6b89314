#include "google/protobuf/stubs/logging.h"

// protobuf writes a line for every text that is no UTF-8, which is most of what fuzzers make.
extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}
