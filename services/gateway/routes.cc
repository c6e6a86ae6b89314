#include "services/gateway/routes.h"

#include <algorithm>
#include <string>

#include "common/auth/scopes.h"
#include "google/protobuf/descriptor_database.h"

namespace alma::gateway {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using google::protobuf::ServiceDescriptor;

bool HasScopes(const ServiceDescriptor& service) {
  for (int i = 0; i < service.method_count(); ++i) {
    if (!auth::ScopeOf(*service.method(i)).empty()) return true;
  }
  return false;
}

}  // namespace

std::vector<const ServiceDescriptor*> ServicesOf(std::string_view backend) {
  const std::string package = std::string("alma.").append(backend).append(".");
  std::vector<std::string> files;
  // The pool builds a file when it is asked for it, so it cannot list them itself.
  DescriptorPool::internal_generated_database()->FindAllFileNames(&files);
  std::vector<const ServiceDescriptor*> services;
  for (const std::string& name : files) {
    const FileDescriptor* file = DescriptorPool::generated_pool()->FindFileByName(name);
    if (file == nullptr || !file->package().starts_with(package)) continue;
    for (int i = 0; i < file->service_count(); ++i) {
      if (HasScopes(*file->service(i))) services.push_back(file->service(i));
    }
  }
  std::sort(services.begin(), services.end(),
            [](const auto* a, const auto* b) { return a->full_name() < b->full_name(); });
  return services;
}

}  // namespace alma::gateway
