#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "alma/conversations/v1/messages.grpc.pb.h"
#include "catch2/catch.hpp"
#include "tests/services/gateway/scripted_keys.h"
#include "tests/support/temporary_folder.h"

namespace alma::gateway {

using conversations::v1::CreateMessageRequest;
using conversations::v1::ExportMessagesRequest;
using conversations::v1::ExportMessagesResponse;
using conversations::v1::GetMessageRequest;
using conversations::v1::ImportMessagesRequest;
using conversations::v1::ImportMessagesResponse;
using conversations::v1::Message;
using conversations::v1::MessagesService;
// An item of an import.
inline ImportMessagesRequest Item(const std::string& content) {
  ImportMessagesRequest item;
  item.mutable_message()->set_content(content);
  return item;
}

// Messages as a test wants them answered; notes the metadata of every call.
class ScriptedMessages final : public MessagesService::Service {
 public:
  using Importing = grpc::ServerReaderWriter<ImportMessagesResponse, ImportMessagesRequest>;
  using Exporting = grpc::ServerWriter<ExportMessagesResponse>;

  std::function<grpc::Status(grpc::ServerContext&, const GetMessageRequest&, Message&)> get =
      [](grpc::ServerContext&, const GetMessageRequest& request, Message& message) {
        message.set_uuid(request.uuid());
        return grpc::Status::OK;
      };
  std::function<grpc::Status(grpc::ServerContext&, Importing&)> import_messages =
      [](grpc::ServerContext&, Importing& stream) {
        ImportMessagesRequest request;
        while (stream.Read(&request)) {
          ImportMessagesResponse response;
          *response.mutable_message() = request.message();
          stream.Write(response);
        }
        return grpc::Status::OK;
      };
  std::function<grpc::Status(grpc::ServerContext&, const ExportMessagesRequest&, Exporting&)>
      export_messages =
          [](grpc::ServerContext&, const ExportMessagesRequest& request, Exporting& stream) {
            for (int i = 0; i < 5; ++i) {
              ExportMessagesResponse response;
              response.set_revision(request.after_revision() + i);
              stream.Write(response);
            }
            return grpc::Status::OK;
          };

  std::vector<Metadata> calls() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return calls_;
  }

  grpc::Status GetMessage(grpc::ServerContext* context, const GetMessageRequest* request,
                          Message* message) override {
    Note(*context);
    return get(*context, *request, *message);
  }
  grpc::Status ImportMessages(grpc::ServerContext* context, Importing* stream) override {
    Note(*context);
    return import_messages(*context, *stream);
  }
  grpc::Status ExportMessages(grpc::ServerContext* context, const ExportMessagesRequest* request,
                              Exporting* stream) override {
    Note(*context);
    return export_messages(*context, *request, *stream);
  }

 private:
  void Note(const grpc::ServerContext& context) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    calls_.push_back(Copy(context.client_metadata()));
  }

  mutable absl::Mutex mutex_;
  std::vector<Metadata> calls_ ABSL_GUARDED_BY(mutex_);
};

// A process behind a gateway, but in this one: gRPC's own server on an address.
class Listening {
 public:
  Listening(std::string address, const std::vector<grpc::Service*>& services)
      : address_(std::move(address)) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
    for (grpc::Service* service : services) builder.RegisterService(service);
    server_ = builder.BuildAndStart();
    REQUIRE(server_ != nullptr);
    SetHealthy(true);
  }
  ~Listening() { server_->Shutdown(std::chrono::system_clock::now()); }

  const std::string& address() const { return address_; }

  void SetHealthy(bool healthy) {
    for (const char* service :
         {"alma.organizations.v1.ApiKeysService", "alma.organizations.v1.OrganizationsService",
          "alma.conversations.v1.ConversationsService", "alma.conversations.v1.MessagesService"}) {
      server_->GetHealthCheckService()->SetServingStatus(service, healthy);
    }
  }

 private:
  const std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace alma::gateway
