#include "common/db/prepared.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <variant>

#include "absl/strings/str_cat.h"

namespace alma::db {
namespace {

std::logic_error ParametersDiffer() {
  return std::logic_error("parameters differ from those that the statement was prepared with");
}

// SOCI fetches rows only where there is something to put them into. Dialect::ReadRow takes them
// where they are: all columns at once, without a copy of each.
class FetchedRow final : public soci::details::into_type_base {
 public:
  void define(soci::details::statement_impl&, int&) override {}
  void pre_exec(int) override {}
  void pre_fetch() override {}
  void post_fetch(bool, bool) override {}
  void clean_up() override {}
  std::size_t size() const override { return 1; }
};

}  // namespace

Prepared::Prepared(soci::session& session, const Dialect& dialect, std::string_view sql,
                   Params params)
    : dialect_(dialect), statement_(session) {
  statement_.alloc();
  statement_.prepare(std::string(sql));
  for (const Param& param : params) {
    const std::string name(param.name_);
    Slot& slot = slots_[name];
    slot.is_number = std::holds_alternative<int64_t>(param.value_);
    // A null has no type of its own; text suits every column on both engines.
    if (slot.is_number) {
      statement_.exchange(soci::use(slot.number, slot.indicator, name));
    } else {
      statement_.exchange(soci::use(slot.text, slot.indicator, name));
    }
  }
  const Dialect::Answer answer = dialect_.Describe(session, statement_);
  columns_.resize(answer.columns);
  binary_ = answer.binary;
  if (!columns_.empty()) statement_.exchange(soci::details::into_type_ptr(new FetchedRow));
  statement_.define_and_bind();
}

void Prepared::Run(Params params, absl::FunctionRef<void(absl::Span<const ColumnValue>)> on_row) {
  Bind(params);
  // Every row is fetched: a statement left half-way keeps SQLite's WAL from being checkpointed.
  for (bool more = statement_.execute(true); more && !columns_.empty(); more = statement_.fetch()) {
    dialect_.ReadRow(statement_, absl::MakeSpan(columns_));
    on_row(columns_);
  }
}

// The slot was made for the parameters of the statement's first use.
void Prepared::CheckFits(const Slot& slot, const Param& param) {
  if (slot.is_number && std::holds_alternative<std::string>(param.value_)) throw ParametersDiffer();
}

void Prepared::Bind(Params params) {
  // What is left out would keep its value of the last time.
  if (params.size() != slots_.size()) throw ParametersDiffer();
  for (const Param& param : params) {
    const auto named = slots_.find(param.name_);
    if (named == slots_.end()) throw ParametersDiffer();
    Slot& slot = named->second;
    CheckFits(slot, param);
    slot.indicator =
        std::holds_alternative<std::monostate>(param.value_) ? soci::i_null : soci::i_ok;
    if (const auto* text = std::get_if<std::string>(&param.value_)) slot.text = *text;
    if (const auto* number = std::get_if<int64_t>(&param.value_)) {
      slot.number = *number;
      if (!slot.is_number) slot.text = absl::StrCat(*number);
    }
  }
}

void Prepared::ListValues(absl::Span<const std::string> names, Params params,
                          std::deque<std::string>* numbers, absl::Span<const char*> values) {
  if (params.size() != slots_.size()) throw ParametersDiffer();
  if (places_.empty()) FindPlaces(names, params);
  for (size_t i = 0; i < names.size(); ++i) {
    const Param& param = params.at(places_[i].param);
    if (param.name_ != names[i]) throw ParametersDiffer();
    CheckFits(*places_[i].slot, param);
    if (const auto* number = std::get_if<int64_t>(&param.value_)) {
      values[i] = numbers->emplace_back(absl::StrCat(*number)).c_str();
    } else {
      const auto* text = std::get_if<std::string>(&param.value_);
      values[i] = text == nullptr ? nullptr : text->c_str();
    }
  }
}

void Prepared::FindPlaces(absl::Span<const std::string> names, Params params) {
  std::vector<Place> places;
  places.reserve(names.size());
  for (const std::string& name : names) {
    const auto param = std::find_if(params.begin(), params.end(),
                                    [&](const Param& one) { return one.name_ == name; });
    const auto slot = slots_.find(name);
    if (slot == slots_.end()) throw ParametersDiffer();
    places.push_back({static_cast<size_t>(param - params.begin()), &slot->second});
  }
  places_ = std::move(places);
}

}  // namespace alma::db
