#include "tests/bench/load/connection.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace alma::bench {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr size_t kBufferBytes = 256 << 10;
// So that answers never wait for a window.
constexpr int32_t kWindowBytes = 64 << 20;
constexpr size_t kFrameHeadBytes = 5;
constexpr int64_t kMicrosecond = 1000;
constexpr int64_t kMillisecond = 1'000'000;
// gRPC allows eight digits.
constexpr int64_t kMostMicroseconds = 99'999'999;
constexpr int kDeadlineExceeded = 4;

absl::StatusOr<int> ConnectUnix(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof(name.sun_path)) return absl::InvalidArgumentError("path is too long");
  path.copy(name.sun_path, path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0) return fd;
  close(fd);
  return absl::UnavailableError("cannot connect to unix:" + path);
}

absl::StatusOr<int> ConnectIpv4(const std::string& address) {
  const size_t colon = address.rfind(':');
  sockaddr_in name{};
  name.sin_family = AF_INET;
  int port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) ||
      inet_pton(AF_INET, address.substr(0, colon).c_str(), &name.sin_addr) != 1) {
    return absl::InvalidArgumentError("no IPv4:port and no unix:/path: " + address);
  }
  name.sin_port = htons(static_cast<uint16_t>(port));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0) return fd;
  close(fd);
  return absl::UnavailableError("cannot connect to " + address);
}

std::string FrameHead(size_t size) {
  const uint32_t length = htonl(static_cast<uint32_t>(size));
  std::string head(1, '\0');
  head.append(reinterpret_cast<const char*>(&length), sizeof(length));
  return head;
}

// A value of grpc-timeout.
std::string Timeout(int64_t nanos) {
  const int64_t micros = nanos / kMicrosecond;
  return micros <= kMostMicroseconds ? absl::StrCat(micros, "u")
                                     : absl::StrCat(nanos / kMillisecond, "m");
}

nghttp2_nv Header(std::string_view name, std::string_view value) {
  // nghttp2 takes a copy; its fields are not const.
  const auto bytes = [](std::string_view text) {
    return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& address,
                                                             bool keep_answers, Done done) {
  const absl::StatusOr<int> fd =
      address.starts_with(kUnix) ? ConnectUnix(address.substr(kUnix.size())) : ConnectIpv4(address);
  if (!fd.ok()) return fd.status();
  return std::unique_ptr<Connection>(new Connection(*fd, keep_answers, std::move(done)));
}

Connection::Connection(int fd, bool keep_answers, Done done)
    : fd_(fd), keep_answers_(keep_answers), done_(std::move(done)) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnData);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, OnClose);
  nghttp2_session_client_new(&session_, callbacks, this);
  nghttp2_session_callbacks_del(callbacks);
  const std::array<nghttp2_settings_entry, 2> settings = {
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindowBytes}}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindowBytes);
}

Connection::~Connection() {
  nghttp2_session_del(session_);
  close(fd_);
}

int64_t Connection::Now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

void Connection::Submit(int64_t tag, Request request) {
  if (idle_.empty()) {
    streams_.push_back(std::make_unique<Stream>());
    idle_.push_back(streams_.back().get());
  }
  Stream* stream = idle_.back();
  idle_.pop_back();
  stream->tag = tag;
  stream->request = std::move(request);
  stream->frame_head = FrameHead(stream->request.message.size());
  stream->sent = 0;
  stream->status = -1;
  stream->answer.clear();
  waiting_.push_back(stream);
}

void Connection::EndLate(int64_t now) {
  while (!waiting_.empty() && waiting_.front()->request.deadline <= now) {
    Stream* stream = waiting_.front();
    waiting_.pop_front();
    End(*stream, kDeadlineExceeded);
  }
  while (!timed_.empty()) {
    const auto [stream, id] = timed_.front();
    const bool ended = stream->id != id;
    if (!ended && stream->request.deadline > now) return;
    timed_.pop_front();
    if (ended) continue;
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    // Whatever still comes of it is nobody's.
    nghttp2_session_set_stream_user_data(session_, id, nullptr);
    --under_way_;
    End(*stream, kDeadlineExceeded);
  }
}

void Connection::SendWaiting(int64_t now) {
  const uint32_t at_most =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  while (!waiting_.empty() && under_way_ < at_most) {
    Stream* stream = waiting_.front();
    waiting_.pop_front();
    Send(*stream, now);
  }
}

void Connection::Send(Stream& stream, int64_t now) {
  const bool timed = stream.request.deadline != Request::kNoDeadline;
  const std::string timeout = timed ? Timeout(stream.request.deadline - now) : "";
  const std::array<nghttp2_nv, 8> headers = {
      Header(":method", "POST"),
      Header(":scheme", "http"),
      Header(":path", stream.request.path),
      Header(":authority", "localhost"),
      Header("te", "trailers"),
      Header("content-type", "application/grpc"),
      Header(stream.request.credential, stream.request.credential_value),
      Header("grpc-timeout", timeout)};
  nghttp2_data_provider body{};
  body.source.ptr = &stream;
  body.read_callback = SendBody;
  stream.id = nghttp2_submit_request(session_, nullptr, headers.data(),
                                     headers.size() - (timed ? 0 : 1), &body, &stream);
  ++under_way_;
  if (timed) timed_.emplace_back(&stream, stream.id);
}

void Connection::End(Stream& stream, int status) {
  std::string_view answer = stream.answer;
  answer.remove_prefix(std::min(answer.size(), kFrameHeadBytes));
  stream.id = 0;
  done_(stream.tag, status, answer);
  idle_.push_back(&stream);
}

absl::Status Connection::Flush() {
  const int64_t now = Now();
  EndLate(now);
  SendWaiting(now);
  while (true) {
    if (!wants_to_write()) {
      out_.clear();
      written_ = 0;
    }
    while (out_.size() < kBufferBytes) {
      const uint8_t* chunk = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_, &chunk);
      if (size <= 0) break;
      out_.append(reinterpret_cast<const char*>(chunk), static_cast<size_t>(size));
    }
    if (!wants_to_write()) return absl::OkStatus();
    const ssize_t size =
        send(fd_, out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0) {
      if (errno == EAGAIN || errno == EINTR) return absl::OkStatus();
      return absl::UnavailableError("connection lost while sending");
    }
    written_ += static_cast<size_t>(size);
  }
}

absl::Status Connection::Read() {
  thread_local std::string buffer(kBufferBytes, '\0');
  const ssize_t size = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return absl::OkStatus();
  if (size <= 0) return absl::UnavailableError("connection lost");
  const ssize_t taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const uint8_t*>(buffer.data()), static_cast<size_t>(size));
  if (taken < 0) {
    return absl::UnavailableError(
        absl::StrCat("HTTP/2: ", nghttp2_strerror(static_cast<int>(taken))));
  }
  if (nghttp2_session_want_read(session_) == 0) return absl::UnavailableError("connection ended");
  return absl::OkStatus();
}

ssize_t Connection::SendBody(nghttp2_session*, int32_t, uint8_t* buffer, size_t size,
                             uint32_t* flags, nghttp2_data_source* source, void*) {
  Stream& stream = *static_cast<Stream*>(source->ptr);
  size_t filled = 0;
  while (filled < size && stream.sent < kFrameHeadBytes) {
    buffer[filled++] = static_cast<uint8_t>(stream.frame_head[stream.sent++]);
  }
  const std::string& message = stream.request.message;
  const size_t at = stream.sent - std::min(stream.sent, kFrameHeadBytes);
  const size_t copied = message.copy(reinterpret_cast<char*>(buffer) + filled, size - filled, at);
  stream.sent += copied;
  if (stream.sent == kFrameHeadBytes + message.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(filled + copied);
}

int Connection::OnHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                         size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                         void*) {
  if (std::string_view(reinterpret_cast<const char*>(name), name_size) != "grpc-status") return 0;
  auto* stream =
      static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
  if (stream == nullptr) return 0;
  int status = -1;
  if (!absl::SimpleAtoi(std::string(reinterpret_cast<const char*>(value), value_size), &status)) {
    return 0;
  }
  stream->status = status;
  return 0;
}

int Connection::OnData(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data,
                       size_t size, void* self) {
  if (!static_cast<Connection*>(self)->keep_answers_) return 0;
  auto* stream = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
  if (stream != nullptr) stream->answer.append(reinterpret_cast<const char*>(data), size);
  return 0;
}

int Connection::OnClose(nghttp2_session* session, int32_t id, uint32_t, void* self) {
  auto& connection = *static_cast<Connection*>(self);
  auto* stream = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
  if (stream == nullptr) return 0;
  --connection.under_way_;
  connection.End(*stream, stream->status);
  return 0;
}

}  // namespace alma::bench
