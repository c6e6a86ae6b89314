#pragma once

// What holds for connections: of every server, and of the gateway's channels, which are clients of
// such servers. docs/limits.md lists them.
namespace alma::rpc {

// Each way, before and after decompression (see Inflate).
inline constexpr int kMaxMessageBytes = 4 * 1024 * 1024;
// Of a call, each of initial metadata and trailers.
inline constexpr int kMaxMetadataBytes = 8 * 1024;

// A client that wants more opens another connection; each stream may hold a message of
// kMaxMessageBytes.
inline constexpr int kMaxStreamsPerConnection = 256;
// What the gateway puts on one before it opens another.
inline constexpr int kGatewayCallsPerConnection = 200;
static_assert(kGatewayCallsPerConnection < kMaxStreamsPerConnection);

// What a connection without a client behind it may cost: one that never says hello, one without
// calls, one whose peer has vanished.
inline constexpr int kHandshakeTimeoutMillis = 10'000;
inline constexpr int kMaxIdleMillis = 15 * 60'000;
inline constexpr int kServerKeepaliveTimeMillis = 60'000;
inline constexpr int kServerKeepaliveTimeoutMillis = 20'000;

// After which, more or less a tenth, a server asks a client to open another connection; calls in
// flight go on on the old one for as long as they take. So clients spread over servers that are
// new.
inline constexpr int kMaxConnectionAgeMillis = 30 * 60'000;

// How often a client may ask whether a server is still there while a call waits, and how often a
// gateway does. A server that has vanished is noticed after the sum of the latter two.
inline constexpr int kMinPingIntervalMillis = 5'000;
inline constexpr int kGatewayKeepaliveTimeMillis = 10'000;
inline constexpr int kGatewayKeepaliveTimeoutMillis = 5'000;
static_assert(kGatewayKeepaliveTimeMillis > kMinPingIntervalMillis);

// Between the tries of a gateway to connect to a server that cannot be reached.
inline constexpr int kMinReconnectPauseMillis = 100;
inline constexpr int kMaxReconnectPauseMillis = 500;
// What such a try may take, TLS included. With less than a busy server or the network needs, a
// gateway would never be connected.
inline constexpr int kConnectTimeoutMillis = 2'000;

}  // namespace alma::rpc
