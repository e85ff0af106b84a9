// Rows of events, and the decisions that must follow with their exact instants. Constants are written out from the whitepaper.

#include "noise/timers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <vector>

namespace wgu::noise {

std::ostream& operator<<(std::ostream& out, Due due) { return out << "Due(" << static_cast<int>(due) << ')'; }

namespace {

Instant at(Duration since_start) { return Instant(since_start); }

enum class Event {
  kInitiationSent,
  kHandshakeCompleted,
  kSessionDerived,
  kDataSent,
  kDataReceived,
  kAnySent,
  kAnyReceived,
  kTraversed,
  kPersistent25,
  kPersistentOff,
  kCancelAll,
};

struct Row {
  Duration time;
  Event event;
};

struct Fired {
  Duration time;
  Due due;
  friend bool operator==(const Fired&, const Fired&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Fired& fired) {
    return out << fired.due << " at " << std::chrono::duration<double>(fired.time).count() << " s";
  }
};

struct Scenario {
  const char* name;
  std::vector<Row> rows;
  Duration until;
  std::vector<Fired> expected;
};

void report(Timers& timers, Event event, Instant now) {
  switch (event) {
    case Event::kInitiationSent:
      timers.initiation_sent(now, 0ms);
      break;
    case Event::kHandshakeCompleted:
      timers.handshake_completed();
      break;
    case Event::kSessionDerived:
      timers.session_derived(now);
      break;
    case Event::kDataSent:
      timers.data_sent(now, 0ms);
      break;
    case Event::kDataReceived:
      timers.data_received(now);
      break;
    case Event::kAnySent:
      timers.any_authenticated_packet_sent();
      break;
    case Event::kAnyReceived:
      timers.any_authenticated_packet_received();
      break;
    case Event::kTraversed:
      timers.any_authenticated_packet_traversed(now);
      break;
    case Event::kPersistent25:
      timers.set_persistent_keepalive(25s, now);
      break;
    case Event::kPersistentOff:
      timers.set_persistent_keepalive(0s, now);
      break;
    case Event::kCancelAll:
      timers.cancel_all();
      break;
  }
}

enum class Drive { kAtDeadlines, kEveryMillisecond, kLate };

// Runs the rows; what fires is noted and not acted upon. kLate asks only before each event and at the end.
std::vector<Fired> run(const Scenario& scenario, Drive drive) {
  Timers timers;
  std::vector<Fired> fired;
  Instant now = at(0s);
  const auto drain = [&] {
    for (Due due; (due = timers.take_due(now)) != Due::kNothing;) fired.push_back({now.time_since_epoch(), due});
  };
  const auto advance = [&](Instant to) {
    switch (drive) {
      case Drive::kAtDeadlines:
        while (timers.next() <= to) {
          now = std::max(now, timers.next());
          drain();
        }
        break;
      case Drive::kEveryMillisecond:
        for (; now < to; now += 1ms) drain();
        break;
      case Drive::kLate:
        break;
    }
    now = to;
    drain();
  };
  for (const Row& row : scenario.rows) {
    advance(at(row.time));
    report(timers, row.event, now);
  }
  advance(at(scenario.until));
  return fired;
}

const std::vector<Scenario>& scenarios() {
  using enum Event;
  static const std::vector<Scenario> kScenarios{
      {"nothing happens by itself", {}, 100s, {}},
      // Whitepaper 6.5: KEEPALIVE_TIMEOUT = 10 s.
      {"keepalive 10 s after data received", {{0s, kDataReceived}}, 100s, {{10s, Due::kKeepalive}}},
      {"more data does not postpone the keepalive, but asks for another",
       {{0s, kDataReceived}, {4s, kDataReceived}},
       100s,
       {{10s, Due::kKeepalive}, {20s, Due::kKeepalive}}},
      {"another one only, however much data came",
       {{0s, kDataReceived}, {1s, kDataReceived}, {2s, kDataReceived}, {9s, kDataReceived}},
       100s,
       {{10s, Due::kKeepalive}, {20s, Due::kKeepalive}}},
      {"data after the keepalive arms anew",
       {{0s, kDataReceived}, {12s, kDataReceived}},
       100s,
       {{10s, Due::kKeepalive}, {22s, Due::kKeepalive}}},
      {"anything sent makes the keepalive needless", {{0s, kDataReceived}, {9999ms, kAnySent}}, 100s, {}},
      {"the keepalive that goes out cancels the other one",
       {{0s, kDataReceived}, {4s, kDataReceived}, {10s, kAnySent}},
       100s,
       {{10s, Due::kKeepalive}}},
      {"the wish for another outlives a cancel, as in the kernel",
       {{0s, kDataReceived}, {1s, kDataReceived}, {2s, kAnySent}, {3s, kDataReceived}},
       100s,
       {{13s, Due::kKeepalive}, {23s, Due::kKeepalive}}},
      {"a keepalive received is no data: it is not answered", {{0s, kAnyReceived}, {0s, kTraversed}}, 100s, {}},
      // Whitepaper 6.5: KEEPALIVE_TIMEOUT + REKEY_TIMEOUT = 15 s.
      {"new handshake 15 s after data sent without an answer", {{0s, kDataSent}}, 100s, {{15s, Due::kNewHandshake}}},
      {"counted from the first unanswered packet", {{0s, kDataSent}, {7s, kDataSent}, {14s, kDataSent}}, 100s, {{15s, Due::kNewHandshake}}},
      {"any authenticated packet is an answer", {{0s, kDataSent}, {14999ms, kAnyReceived}}, 100s, {}},
      {"after an answer counting begins again", {{0s, kDataSent}, {5s, kAnyReceived}, {6s, kDataSent}}, 100s, {{21s, Due::kNewHandshake}}},
      {"what we send ourselves is no answer", {{0s, kDataSent}, {5s, kAnySent}}, 100s, {{15s, Due::kNewHandshake}}},
      {"what we receive does not replace our keepalive", {{0s, kDataReceived}, {5s, kAnyReceived}}, 100s, {{10s, Due::kKeepalive}}},
      // Whitepaper 6.1 and 6.4: REKEY_TIMEOUT = 5 s.
      {"retransmission 5 s after an initiation", {{0s, kInitiationSent}}, 400s, {{5s, Due::kRetransmitInitiation}}},
      {"a later initiation counts anew", {{0s, kInitiationSent}, {3s, kInitiationSent}}, 400s, {{8s, Due::kRetransmitInitiation}}},
      {"no retransmission after the response", {{0s, kInitiationSent}, {4999ms, kHandshakeCompleted}}, 400s, {}},
      // Whitepaper 6.3: REJECT_AFTER_TIME x 3 = 540 s.
      {"keys are erased 540 s after the session", {{7s, kSessionDerived}}, 2000s, {{547s, Due::kEraseKeys}}},
      {"a new session postpones it", {{0s, kSessionDerived}, {500s, kSessionDerived}}, 2000s, {{1040s, Due::kEraseKeys}}},
      {"persistent keepalive: the first at once, then silence until it was sent",
       {{3s, kPersistent25}},
       100s,
       {{3s, Due::kPersistentKeepalive}}},
      {"persistent keepalive one interval after any packet either way",
       {{0s, kPersistent25}, {0s, kTraversed}, {10s, kTraversed}},
       100s,
       {{0s, Due::kPersistentKeepalive}, {35s, Due::kPersistentKeepalive}}},
      {"persistent keepalive at its intervals",
       {{0s, kPersistent25}, {0s, kTraversed}, {25s, kTraversed}, {50s, kTraversed}},
       80s,
       {{0s, Due::kPersistentKeepalive},
        {25s, Due::kPersistentKeepalive},
        {50s, Due::kPersistentKeepalive},
        {75s, Due::kPersistentKeepalive}}},
      {"setting it again leaves the pending one",
       {{0s, kPersistent25}, {0s, kTraversed}, {20s, kPersistent25}},
       100s,
       {{0s, Due::kPersistentKeepalive}, {25s, Due::kPersistentKeepalive}}},
      {"switched off",
       {{0s, kPersistent25}, {0s, kTraversed}, {20s, kPersistentOff}, {22s, kTraversed}},
       100s,
       {{0s, Due::kPersistentKeepalive}}},
      {"no traffic matters while it is off", {{0s, kTraversed}}, 100s, {}},
      {"all at once, in the order of their deadlines",
       {{0s, kSessionDerived}, {1s, kDataReceived}, {2s, kDataSent}, {3s, kInitiationSent}, {4s, kPersistent25}, {4s, kTraversed}},
       600s,
       {{4s, Due::kPersistentKeepalive},
        {8s, Due::kRetransmitInitiation},
        {11s, Due::kKeepalive},
        {17s, Due::kNewHandshake},
        {29s, Due::kPersistentKeepalive},
        {540s, Due::kEraseKeys}}},
      {"cancelled all",
       {{0s, kSessionDerived},
        {1s, kDataReceived},
        {1s, kDataReceived},
        {2s, kDataSent},
        {3s, kInitiationSent},
        {4s, kPersistent25},
        {4s, kCancelAll}},
       100s,
       {{4s, Due::kPersistentKeepalive}}},
  };
  return kScenarios;
}

TEST(Timers, FireAtExactInstants) {
  for (const Scenario& scenario : scenarios()) {
    SCOPED_TRACE(scenario.name);
    EXPECT_EQ(run(scenario, Drive::kAtDeadlines), scenario.expected);
  }
}

TEST(Timers, AskedEveryMillisecondTheyFireTheSame) {
  for (const Scenario& scenario : scenarios()) {
    SCOPED_TRACE(scenario.name);
    EXPECT_EQ(run(scenario, Drive::kEveryMillisecond), run(scenario, Drive::kAtDeadlines));
  }
}

TEST(Timers, AskedLateTheyYieldTheSameDecisionsInTheSameOrder) {
  const auto decisions = [](const std::vector<Fired>& fired) {
    std::vector<Due> out;
    for (const Fired& one : fired) out.push_back(one.due);
    return out;
  };
  for (const Scenario& scenario : scenarios()) {
    SCOPED_TRACE(scenario.name);
    EXPECT_EQ(decisions(run(scenario, Drive::kLate)), decisions(run(scenario, Drive::kAtDeadlines)));
  }
}

// A peer whose initiations are never answered; every initiation has the same jitter.
std::vector<Fired> retry_until_given_up(Timers& timers, Duration jitter, Duration until) {
  std::vector<Fired> fired;
  timers.begin_new_attempts();
  timers.initiation_sent(at(0s), jitter);
  while (timers.next() <= at(until)) {
    const Instant now = timers.next();
    for (Due due; (due = timers.take_due(now)) != Due::kNothing;) {
      fired.push_back({now.time_since_epoch(), due});
      if (due == Due::kRetransmitInitiation) timers.initiation_sent(now, jitter);
    }
  }
  return fired;
}

TEST(Timers, GivesUpAfterTwentyInitiations) {
  struct Case {
    Duration jitter;
    Duration give_up;
  };
  for (const auto& [jitter, give_up] : {Case{0ms, 100s}, Case{333ms, 106'660ms}, Case{1ns, 100s + 20ns}}) {
    Timers timers;
    std::vector<Fired> expected;
    for (int sent = 1; sent < 20; ++sent) expected.push_back({sent * (5s + jitter), Due::kRetransmitInitiation});
    expected.push_back({give_up, Due::kGiveUp});
    expected.push_back({give_up + 540s, Due::kEraseKeys});
    EXPECT_EQ(retry_until_given_up(timers, jitter, 10'000s), expected);
  }
}

TEST(Timers, GivingUpKeepsAnEraseThatIsPending) {
  Timers timers;
  timers.session_derived(at(-300s));
  const auto fired = retry_until_given_up(timers, 0ms, 10'000s);
  ASSERT_EQ(fired.size(), 21U);
  EXPECT_EQ(fired[19], (Fired{100s, Due::kGiveUp}));
  EXPECT_EQ(fired[20], (Fired{240s, Due::kEraseKeys}));
}

TEST(Timers, GivingUpCancelsTheKeepaliveEvenWhenAskedLate) {
  for (const Duration asked : {100s, 105s, 700s}) {
    Timers timers;
    EXPECT_EQ(retry_until_given_up(timers, 0ms, 99s).size(), 19U);
    timers.data_received(at(96s));  // its keepalive would be due at 106 s
    EXPECT_EQ(timers.take_due(at(asked)), Due::kGiveUp);
    EXPECT_EQ(timers.next(), at(640s));
    EXPECT_EQ(timers.take_due(at(asked)), asked < 640s ? Due::kNothing : Due::kEraseKeys);
  }
}

TEST(Timers, NewReasonGivesTwentyNewAttempts) {
  Timers timers;
  EXPECT_EQ(retry_until_given_up(timers, 0ms, 300s).size(), 20U);
  EXPECT_EQ(timers.attempts(), 19U);
  timers.begin_new_attempts();
  EXPECT_EQ(timers.attempts(), 0U);
  unsigned retransmissions = 0;
  Instant now = at(300s);
  timers.initiation_sent(now, 0ms);
  for (Due due = Due::kNothing; due != Due::kGiveUp;) {
    now = timers.next();
    due = timers.take_due(now);
    if (due != Due::kRetransmitInitiation) continue;
    ++retransmissions;
    timers.initiation_sent(now, 0ms);
  }
  EXPECT_EQ(retransmissions, 19U);
  EXPECT_EQ(now, at(400s));
}

TEST(Timers, CompletedHandshakeResetsAttempts) {
  Timers timers;
  EXPECT_EQ(retry_until_given_up(timers, 0ms, 50s).size(), 10U);
  EXPECT_EQ(timers.attempts(), 10U);
  timers.handshake_completed();
  EXPECT_EQ(timers.attempts(), 0U);
  EXPECT_EQ(timers.next(), kNever);
}

TEST(Timers, JitterIsAddedToRetransmissionAndNoAnswer) {
  Timers timers;
  timers.initiation_sent(at(1s), 333ms);
  EXPECT_EQ(timers.next(), at(6333ms));
  timers.handshake_completed();
  timers.data_sent(at(1s), 333ms);
  EXPECT_EQ(timers.next(), at(16'333ms));
  EXPECT_EQ(timers.take_due(at(16'333ms) - 1ns), Due::kNothing);
  EXPECT_EQ(timers.take_due(at(16'333ms)), Due::kNewHandshake);
}

TEST(Timers, PersistentKeepaliveLateByManyIntervalsIsDueOnce) {
  Timers timers;
  timers.set_persistent_keepalive(25s, at(0s));
  timers.any_authenticated_packet_traversed(at(0s));
  EXPECT_EQ(timers.take_due(at(1000s)), Due::kPersistentKeepalive);
  EXPECT_EQ(timers.take_due(at(1000s)), Due::kNothing);
  timers.any_authenticated_packet_traversed(at(1000s));  // it was sent
  EXPECT_EQ(timers.next(), at(1025s));
}

TEST(Timers, PersistentIntervalOutlivesCancelAll) {
  Timers timers;
  timers.set_persistent_keepalive(25s, at(0s));
  timers.cancel_all();
  EXPECT_EQ(timers.next(), kNever);
  EXPECT_EQ(timers.persistent_keepalive(), 25s);
  timers.set_persistent_keepalive(timers.persistent_keepalive(), at(60s));  // the interface goes up again
  EXPECT_EQ(timers.next(), at(60s));
}

TEST(Timers, OneInitiationEveryFiveSeconds) {
  Timers timers;
  EXPECT_TRUE(timers.may_initiate(at(0s)));
  timers.initiation_sent(at(10s), 0ms);
  EXPECT_FALSE(timers.may_initiate(at(10s)));
  EXPECT_FALSE(timers.may_initiate(at(15s) - 1ns));
  EXPECT_TRUE(timers.may_initiate(at(15s)));
  timers.initiation_sent(at(15s), 0ms);
  timers.handshake_completed();
  EXPECT_FALSE(timers.may_initiate(at(16s)));  // also after a success
  timers.forget_last_initiation();
  EXPECT_TRUE(timers.may_initiate(at(16s)));
  timers.initiation_sent(at(16s), 0ms);
  timers.cancel_all();
  EXPECT_TRUE(timers.may_initiate(at(16s)));
}

TEST(Timers, ADeferredInitiationIsDueWhenRekeyTimeoutIsOver) {
  Timers timers;
  timers.initiation_deferred(100ms);  // nothing forbids one
  EXPECT_FALSE(timers.has_retransmission());
  timers.response_sent(at(10s));
  timers.initiation_deferred(100ms);
  EXPECT_TRUE(timers.has_retransmission());
  EXPECT_EQ(timers.next(), at(15s + 100ms));
  EXPECT_EQ(timers.take_due(at(15s + 100ms)), Due::kRetransmitInitiation);
  EXPECT_EQ(timers.attempts(), 1u);
  timers.initiation_deferred(0ms);
  timers.handshake_completed();
  EXPECT_FALSE(timers.has_retransmission());
}

TEST(Timers, LastMinuteHandshakeOnceASession) {
  Timers timers;
  EXPECT_TRUE(timers.take_last_minute_handshake());
  EXPECT_FALSE(timers.take_last_minute_handshake());
  timers.handshake_completed();
  EXPECT_TRUE(timers.take_last_minute_handshake());
  EXPECT_FALSE(timers.take_last_minute_handshake());
}

}  // namespace
}  // namespace wgu::noise
