#include "common/status/status.h"
#include "services/analytics/validate.h"
#include "tests/services/analytics/resources.h"

// What a store of analyses does beyond a single row that is written and read.
namespace alma::analytics {
namespace {

struct AnalysisDatabase {
  explicit AnalysisDatabase(db::Engine engine)
      : database(engine, AnalyticsSchema()), store(*database) {}

  absl::StatusOr<v1::Analysis> Create(int n, const std::string& json) {
    v1::CreateAnalysisRequest request;
    *request.mutable_analysis() = FromJson<v1::Analysis>(json, BareAnalysis());
    request.mutable_analysis()->set_uuid(NthUuid(n));
    const absl::Status valid = Validate(request);
    if (!valid.ok()) return valid;
    return store.Create(Us(), request.analysis());
  }

  absl::StatusOr<v1::Analysis> Update(int n, const std::string& json, const Fields& mask = {}) {
    v1::UpdateAnalysisRequest request;
    *request.mutable_analysis() = FromJson<v1::Analysis>(json);
    request.mutable_analysis()->set_uuid(NthUuid(n));
    for (const std::string& path : mask) request.mutable_update_mask()->add_paths(path);
    const absl::Status valid = Validate(request);
    if (!valid.ok()) return valid;
    return store.Update(Us(), request);
  }

  testing::TestDatabase database;
  AnalysisStore store;
};

TEST_CASE("a repeat of an analysis is recognised whatever way its result is sent") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  AnalysisDatabase analyses(engine);
  const v1::Analysis created = Ok(analyses.Create(10, R"({"sentimentAnalysis": {"score": 0}})"));
  CHECK(Equal(Ok(analyses.Create(
                  10, R"({"analysisType": "SENTIMENT_ANALYSIS", "custom": {"score": -0.0}})")),
              created));
  CHECK(ReasonOf(analyses.Create(10, R"({"sentimentAnalysis": {"score": 1}})").status()) ==
        "ALREADY_EXISTS");
  CHECK(ReasonOf(analyses.Create(10, R"({"topicsDetected": {}})").status()) == "ALREADY_EXISTS");
  CHECK(ReasonOf(analyses
                     .Create(10, R"({"sentimentAnalysis": {"score": 0}, "contextStartIndex": 0,
                                     "contextEndIndex": 0})")
                     .status()) == "ALREADY_EXISTS");
}

TEST_CASE("an update of an analysis writes its result within its type") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  AnalysisDatabase analyses(engine);
  Ok(analyses.Create(10, R"({"sentimentAnalysis": {"score": 1}})"));
  Ok(analyses.Create(11, R"({"analysisType": "INTENT", "custom": {"a": 1, "b": 2}})"));
  CHECK(Ok(analyses.Update(10, R"({"sentimentAnalysis": {"score": 2}})"))
            .sentiment_analysis()
            .score() == 2);
  // What is output only may come back as it was read.
  CHECK(Ok(analyses.Update(10, R"({"analysisType": "X", "custom": {"score": 3}})"))
            .sentiment_analysis()
            .score() == 3);
  const v1::Analysis free = Ok(analyses.Update(11, R"({"custom": {"a": 5}})"));
  CHECK(Equal(free.custom(), FromJson<google::protobuf::Struct>(R"({"a": 5})")));
  CHECK(Equal(Ok(analyses.store.Get(Us(), NthUuid(11))), free));

  struct Refused {
    int n;
    const char* sent;
    Fields mask;
    Fields violated;
  };
  for (const Refused& row : {
           Refused{10, R"({"topicsDetected": {}})", {}, {"analysis.topics_detected"}},
           Refused{11, R"({"topicsDetected": {}})", {}, {"analysis.topics_detected"}},
           Refused{10, R"({"custom": {"score": 1.5}})", {}, {"analysis.custom.score"}},
           Refused{10, R"({"custom": {"x": 1}})", {}, {"analysis.custom.x"}},
           Refused{10, R"({"custom": {}})", {}, {"analysis.custom.score"}},
           Refused{10, R"({"sentimentAnalysis": {}})", {}, {"analysis.sentiment_analysis.score"}},
           Refused{10, "{}", {"*"}, {"analysis.sentiment_analysis"}},
           Refused{11, "{}", {"*"}, {"analysis.custom"}},
           Refused{11, "{}", {"custom"}, {"analysis.custom"}},
           Refused{10, "{}", {"analysis_type"}, {"update_mask"}},
           Refused{10, "{}", {"sentiment_analysis.score"}, {"update_mask"}},
       }) {
    INFO(row.n << " " << row.sent);
    CHECK(FieldsOf(analyses.Update(row.n, row.sent, row.mask).status()) == row.violated);
  }
  CHECK(Ok(analyses.store.Get(Us(), NthUuid(10))).sentiment_analysis().score() == 3);
}

TEST_CASE("an update of an analysis leaves both indexes or neither") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  AnalysisDatabase analyses(engine);
  Ok(analyses.Create(10,
                     R"({"topicsDetected": {}, "contextStartIndex": 2, "contextEndIndex": 4})"));
  CHECK(Ok(analyses.Update(10, R"({"contextEndIndex": 6})")).context_start_index() == 2);
  CHECK(FieldsOf(analyses.Update(10, R"({"contextEndIndex": 1})").status()) ==
        Fields{"analysis.context_end_index"});
  CHECK(FieldsOf(analyses.Update(10, R"({"contextStartIndex": -1})").status()) ==
        Fields{"analysis.context_start_index"});
  CHECK(FieldsOf(analyses.Update(10, "{}", {"context_start_index"}).status()) ==
        Fields{"analysis.context_start_index"});
  // A full replacement.
  const v1::Analysis whole =
      Ok(analyses.Update(10, R"({"topicsDetected": {"topics": [{"name": "a"}]}})", {"*"}));
  CHECK_FALSE(whole.has_context_start_index());
  CHECK_FALSE(whole.has_context_end_index());
  CHECK(whole.topics_detected().topics_size() == 1);
  CHECK(Equal(Ok(analyses.store.Get(Us(), NthUuid(10))), whole));
}

TEST_CASE("a deleted analysis keeps its type and loses its result") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  AnalysisDatabase analyses(engine);
  const char* sent = GENERATE(R"({"sentimentAnalysis": {"score": 7}})",
                              R"({"topicsDetected": {"topics": [{"name": "secret"}]}})",
                              R"({"analysisType": "INTENT", "custom": {"secret": 1}})");
  v1::Analysis expected = Ok(analyses.Create(10, sent));
  const v1::Analysis tombstone = Ok(analyses.store.Delete(Us(), NthUuid(10), 0));
  expected.clear_result();
  expected.set_revision(2);
  *expected.mutable_deleted_at() = tombstone.deleted_at();
  CHECK(tombstone.has_deleted_at());
  CHECK(Equal(tombstone, expected));
  CHECK(Equal(Ok(analyses.store.Get(Us(), NthUuid(10))), expected));
  CHECK(testing::SelectInt64(*analyses.database,
                             "select count(*) from analytics where cast(result as text) = '{}'") ==
        1);
  CHECK(ReasonOf(analyses.Update(10, sent).status()) == "DELETED");
  CHECK(ReasonOf(analyses.Create(10, sent).status()) == "DELETED");
}

}  // namespace
}  // namespace alma::analytics
