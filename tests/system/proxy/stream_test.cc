#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/system/proxy/proxied.h"

namespace alma::testing {
namespace {

using gateway::ExportMessagesRequest;
using gateway::ExportMessagesResponse;
using gateway::ImportMessagesRequest;
using gateway::ImportMessagesResponse;
using gateway::Item;

constexpr size_t kLimit = 4 * 1024 * 1024;

ImportMessagesRequest ItemOfSize(size_t size) {
  ImportMessagesRequest item = Item(std::string(size, 'x'));
  // Two lengths grow with the content.
  const size_t over = item.ByteSizeLong() - size;
  item.mutable_message()->mutable_content()->resize(size - over);
  return item;
}

// What the clients of a scenario do with one call of ImportMessages, between its begin and its end.
using Stream = grpc::ClientReaderWriter<ImportMessagesRequest, ImportMessagesResponse>;

void ReadOne(Stream& stream, Transcript& transcript) {
  ImportMessagesResponse response;
  if (stream.Read(&response)) {
    transcript.Note("message", response.SerializeAsString());
  } else {
    transcript.Note("no message");
  }
}

void ReadAll(Stream& stream, Transcript& transcript) {
  ImportMessagesResponse response;
  while (stream.Read(&response)) transcript.Note("message", response.SerializeAsString());
}

void PingPong(Stream& stream, Transcript& transcript) {
  for (const char* content : {"a", "", "c"}) {
    stream.Write(Item(content));
    ReadOne(stream, transcript);
  }
  stream.WritesDone();
  ReadAll(stream, transcript);
}

void SendAllThenRead(Stream& stream, Transcript& transcript) {
  for (int i = 0; i < 20; ++i) stream.Write(Item(absl::StrCat(i)));
  stream.WritesDone();
  ReadAll(stream, transcript);
}

void SendEmptyMessages(Stream& stream, Transcript& transcript) {
  for (int i = 0; i < 3; ++i) stream.Write({});
  stream.WritesDone();
  ReadAll(stream, transcript);
}

void SendNothing(Stream& stream, Transcript& transcript) {
  stream.WritesDone();
  ReadAll(stream, transcript);
}

// Never half-closes.
void SendOneAndListen(Stream& stream, Transcript& transcript) {
  stream.Write(Item("a"));
  ReadAll(stream, transcript);
}

void SendSlowly(Stream& stream, Transcript& transcript) {
  for (int i = 0; i < 5; ++i) {
    absl::SleepFor(absl::Milliseconds(50));
    stream.Write(Item(absl::StrCat(i)));
  }
  SendNothing(stream, transcript);
}

// Messages of 64 KiB pile up meanwhile.
void ReadSlowly(Stream& stream, Transcript& transcript) {
  std::thread writer([&] {
    for (int i = 0; i < 400; ++i) stream.Write(Item(absl::StrCat(i, std::string(64 * 1024, 'x'))));
    stream.WritesDone();
  });
  for (int i = 0; i < 5; ++i) {
    absl::SleepFor(absl::Milliseconds(100));
    ReadOne(stream, transcript);
  }
  ReadAll(stream, transcript);
  writer.join();
}

std::function<void(Stream&, Transcript&)> SendOf(size_t size) {
  return [size](Stream& stream, Transcript& transcript) {
    stream.Write(ItemOfSize(size));
    SendNothing(stream, transcript);
  };
}

struct Scenario {
  const char* name;
  std::function<void(Stream&, Transcript&)> client;
  decltype(ScriptedMessages::import_messages) backend;
};

grpc::Status Echo(grpc::ServerContext&, Importing& stream) {
  ImportMessagesRequest request;
  while (stream.Read(&request)) {
    ImportMessagesResponse response;
    *response.mutable_message() = request.message();
    stream.Write(response);
  }
  return grpc::Status::OK;
}

// The shape of client streaming, which is the same on the wire: one answer when all has been read.
grpc::Status Count(grpc::ServerContext& context, Importing& stream) {
  ImportMessagesRequest request;
  ImportMessagesResponse response;
  while (stream.Read(&request)) response.set_position(response.position() + 1);
  stream.Write(response);
  context.AddTrailingMetadata("last", "3");
  return grpc::Status::OK;
}

const std::vector<Scenario>& Scenarios() {
  static const std::vector<Scenario> scenarios = {
      {"both ways at once", PingPong, Echo},
      {"many messages then one answer", SendAllThenRead, Count},
      {"many messages and as many answers", SendAllThenRead, Echo},
      {"empty messages", SendEmptyMessages, Echo},
      {"half-closed at once", SendNothing, Echo},
      {"half-closed at once and answered", SendNothing, Count},
      {"a slow writer", SendSlowly, Echo},
      {"a slow reader", ReadSlowly, Echo},
      {"a message of 4 MiB", SendOf(kLimit), Count},
      {"a message of 4 MiB and 1 byte", SendOf(kLimit + 1), Count},
      {"answers of 4 MiB", SendNothing,
       [](auto&, Importing& stream) {
         ImportMessagesResponse response;
         *response.mutable_message() = ItemOfSize(kLimit).message();
         stream.Write(response);
         return grpc::Status::OK;
       }},
      {"answers beyond 4 MiB", SendNothing,
       [](auto&, Importing& stream) {
         ImportMessagesResponse response;
         *response.mutable_message() = ItemOfSize(kLimit + 1).message();
         stream.Write(response);
         return grpc::Status::OK;
       }},
      {"ended early and well", SendOneAndListen, [](auto&, auto&) { return grpc::Status::OK; }},
      {"ended early and trailers only", SendOneAndListen,
       [](grpc::ServerContext& context, auto&) {
         context.AddTrailingMetadata("last-bin", std::string("\0\1\xff", 3));
         return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "full", "details");
       }},
      {"ended early behind initial metadata", SendOneAndListen,
       [](grpc::ServerContext& context, Importing& stream) {
         context.AddInitialMetadata("first", "1");
         context.AddInitialMetadata("first", "2");
         stream.SendInitialMetadata();
         return grpc::Status(grpc::StatusCode::ABORTED, "no", "details");
       }},
      {"ended early behind a message", SendOneAndListen,
       [](grpc::ServerContext& context, Importing& stream) {
         ImportMessagesRequest request;
         stream.Read(&request);
         stream.Write({});
         context.AddTrailingMetadata("last", "3");
         return grpc::Status(grpc::StatusCode::ABORTED, "no", "details");
       }},
      {"ended early by messages that nobody asked for", SendOneAndListen,
       [](auto&, Importing& stream) {
         for (int i = 0; i < 3; ++i) stream.Write({});
         return grpc::Status::OK;
       }},
      {"cancelled by the backend", SendOneAndListen,
       [](grpc::ServerContext& context, Importing& stream) {
         stream.Write({});
         ImportMessagesRequest request;
         stream.Read(&request);
         context.TryCancel();
         return grpc::Status::OK;
       }},
  };
  return scenarios;
}

std::string Import(const Proxied& both, Stub& stub, const Scenario& scenario) {
  Transcript transcript;
  const auto context = both.NewContext();
  const auto stream = stub.ImportMessages(context.get());
  scenario.client(*stream, transcript);
  const grpc::Status status = stream->Finish();
  transcript.End(*context, status);
  return transcript.text();
}

TEST_CASE("a stream reads the same with a gateway process and without it") {
  Proxied both;
  for (const Scenario& scenario : Scenarios()) {
    INFO(scenario.name);
    both.messages.import_messages = scenario.backend;
    const std::string direct = Import(both, *both.direct, scenario);
    CHECK(Import(both, *both.proxied, scenario) == direct);
  }
  CHECK(both.gateway().process().Running());
}

std::string Export(const Proxied& both, Stub& stub, int64_t after_revision) {
  Transcript transcript;
  const auto context = both.NewContext();
  ExportMessagesRequest request;
  request.set_after_revision(after_revision);
  const auto stream = stub.ExportMessages(context.get(), request);
  ExportMessagesResponse response;
  while (stream->Read(&response)) transcript.Note("message", response.SerializeAsString());
  const grpc::Status status = stream->Finish();
  transcript.End(*context, status);
  return transcript.text();
}

TEST_CASE("a stream of answers reads the same with a gateway process and without it") {
  Proxied both;
  both.messages.export_messages = [](grpc::ServerContext& context,
                                     const ExportMessagesRequest& request, Exporting& stream) {
    // 0: no message at all; from 3 on an error at the end. The first message is empty.
    for (int i = 0; i < request.after_revision(); ++i) {
      ExportMessagesResponse response;
      response.set_revision(i);
      stream.Write(response);
    }
    context.AddTrailingMetadata("last", "3");
    return request.after_revision() < 3
               ? grpc::Status::OK
               : grpc::Status(grpc::StatusCode::OUT_OF_RANGE, "far", "details");
  };
  for (const int64_t messages : {0, 1, 2, 3, 1000}) {
    INFO(messages);
    const std::string direct = Export(both, *both.direct, messages);
    CHECK(Export(both, *both.proxied, messages) == direct);
  }
}

}  // namespace
}  // namespace alma::testing
