#include "services/organizations/key_uses.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status/macros.h"
#include "common/text/timestamp.h"
#include "google/protobuf/util/time_util.h"

namespace alma::organizations {
namespace {

using google::protobuf::util::TimeUtil;

}  // namespace

KeyUses::KeyUses(db::Database& database) : database_(database), thread_([this] { Run(); }) {}

KeyUses::~KeyUses() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void KeyUses::Note(const std::string& api_key_uuid) {
  const absl::Time now = absl::Now();
  absl::MutexLock lock(&mutex_);
  const auto noted = noted_.find(api_key_uuid);
  if (noted != noted_.end() && now < noted->second + kWriteEvery) return;
  if (noted == noted_.end() && noted_.size() >= kCapacity) {
    full_ = true;
    return;
  }
  noted_[api_key_uuid] = now;
  pending_.push_back(api_key_uuid);
}

bool KeyUses::Gather(std::vector<std::string>* uuids) {
  absl::MutexLock lock(&mutex_);
  const auto any = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || full_ || !pending_.empty();
  };
  mutex_.Await(absl::Condition(&any));
  mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kGather);
  *uuids = std::exchange(pending_, {});
  full_ = false;
  const absl::Time now = absl::Now();
  absl::erase_if(noted_, [&](const auto& noted) { return now >= noted.second + kWriteEvery; });
  return !stopping_ || !uuids->empty();
}

void KeyUses::Run() {
  std::vector<std::string> uuids;
  while (Gather(&uuids)) {
    // In one order everywhere, so that processes which write the same keys do not lock each other
    // out.
    std::sort(uuids.begin(), uuids.end());
    const absl::Time deadline = absl::Now() + kWriteTimeout;
    for (absl::Span<const std::string> rest = uuids; !rest.empty();) {
      const auto keys = rest.first(std::min(rest.size(), kKeysPerWrite));
      if (!Write(keys, deadline).ok()) Drop(keys);
      rest.remove_prefix(keys.size());
    }
  }
}

absl::Status KeyUses::Write(absl::Span<const std::string> uuids, absl::Time deadline) {
  const auto now = text::Now();
  const auto before = now - TimeUtil::SecondsToDuration(absl::ToInt64Seconds(kWriteEvery));
  // Sessions keep every statement that they have seen, so its number of keys is a power of two.
  std::vector<std::string> names(std::bit_ceil(uuids.size()));
  for (size_t i = 0; i < names.size(); ++i) names[i] = absl::StrCat("k", i);
  std::string sql =
      "update \"authorization\" set last_used = :now "
      "where (last_used is null or last_used < :before) and uuid in (";
  std::vector<db::Param> params = {{"now", now}, {"before", before}};
  for (size_t i = 0; i < names.size(); ++i) {
    absl::StrAppend(&sql, i == 0 ? ":" : ", :", names[i]);
    params.emplace_back(names[i], uuids[std::min(i, uuids.size() - 1)]);
  }
  absl::StrAppend(&sql, ")");
  return database_.Write(deadline,
                         [&](db::Session& session) { return session.Execute(sql, params); });
}

void KeyUses::Drop(absl::Span<const std::string> uuids) {
  absl::MutexLock lock(&mutex_);
  for (const std::string& uuid : uuids) noted_.erase(uuid);
}

}  // namespace alma::organizations
