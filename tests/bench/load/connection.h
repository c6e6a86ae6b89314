#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace alma::bench {

// One unary call: where to, with which credentials, and the bytes of the request message.
struct Request {
  // "/package.Service/Method"
  std::string_view path;
  // Name and value of the metadata entry that says who calls.
  std::string_view credential;
  std::string_view credential_value;
  std::string message;
  static constexpr int64_t kNoDeadline = std::numeric_limits<int64_t>::max();
  // On Connection::Now's clock.
  int64_t deadline = kNoDeadline;
};

// A gRPC client over one socket, without threads, names, retries and parsing: what it costs is not
// taken from what it measures. As gRPC's own clients do, it keeps what the server's
// SETTINGS_MAX_CONCURRENT_STREAMS does not let it send, in order, tells with each call how long it
// still waits, and at a call's deadline ends it: unsent, or by a RST_STREAM. Not thread-safe.
class Connection {
 public:
  // Nanoseconds of the monotonic clock.
  static int64_t Now();

  // How a call ended: its tag, its gRPC status (-1 where the stream ended without one, 4 at its
  // deadline), and, where bodies are kept, the bytes of the answer. May submit further calls.
  using Done = std::function<void(int64_t tag, int status, std::string_view answer)>;

  // `address` is "unix:/path" or "IPv4:port". UNAVAILABLE where nobody listens.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& address,
                                                          bool keep_answers, Done done);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }
  // Whether Flush has more to write than the socket took.
  bool wants_to_write() const { return written_ < out_.size(); }

  // Queues a call; what `request` views outlives it. No deadline may come before that of a call
  // that was queued earlier.
  void Submit(int64_t tag, Request request);
  // Writes as much as the socket takes. UNAVAILABLE where the connection is gone.
  absl::Status Flush();
  // Reads what has come and ends the calls that it answers. UNAVAILABLE as above.
  absl::Status Read();

 private:
  struct Stream {
    int64_t tag = 0;
    Request request;
    // 0 where it is not under way.
    int32_t id = 0;
    std::string frame_head;
    size_t sent = 0;
    int status = -1;
    std::string answer;
  };

  Connection(int fd, bool keep_answers, Done done);

  // Ends what is past its deadline and sends what may be sent.
  void EndLate(int64_t now);
  void SendWaiting(int64_t now);
  void Send(Stream& stream, int64_t now);
  void End(Stream& stream, int status);

  static ssize_t SendBody(nghttp2_session* session, int32_t id, uint8_t* buffer, size_t size,
                          uint32_t* flags, nghttp2_data_source* source, void* self);
  static int OnHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t flags,
                      void* self);
  static int OnData(nghttp2_session* session, uint8_t flags, int32_t id, const uint8_t* data,
                    size_t size, void* self);
  static int OnClose(nghttp2_session* session, int32_t id, uint32_t error, void* self);

  const int fd_;
  const bool keep_answers_;
  const Done done_;
  nghttp2_session* session_ = nullptr;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<Stream*> idle_;
  std::deque<Stream*> waiting_;
  // Those sent that have a deadline, in its order, with the ids that they had: a stream that has
  // ended may carry another call by now.
  std::deque<std::pair<Stream*, int32_t>> timed_;
  uint32_t under_way_ = 0;
  std::string out_;
  size_t written_ = 0;
};

}  // namespace alma::bench
