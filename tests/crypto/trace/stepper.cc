// The processor's trap flag raises SIGTRAP after each instruction; the handler finds the registers as the next one will see them:
//
//   objdump listing -> operand_at[instruction] (base, index, scale, offset)        SIGTRAP -> registers -> Step -> steps
//
// Code outside of this program (memcpy and memset) is recorded by instruction; its operands follow from its arguments, which are
// recorded where it is entered. lea computes and does not access: no operand.

#include "crypto/trace/stepper.h"

#include <link.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <regex>

namespace wgu::crypto::trace {
namespace {

enum class Kind : std::uint8_t { kNotOurs, kNone, kMemory, kUnknown };

struct Operand {
  Kind kind = Kind::kNotOurs;
  std::int8_t base = -1;  // of gregs; -1: none
  std::int8_t index = -1;
  std::uint8_t scale = 1;
  std::int32_t offset = 0;
};

constexpr std::size_t kMaxSteps = 1 << 21;
constexpr std::size_t kSignalStack = 64 << 10;  // a frame holds all of AVX-512's registers
constexpr greg_t kTrapFlag = 0x100;

// What the handler sees. It has no other way to its data.
std::uint64_t program_start = 0;
std::vector<Operand> operand_at;  // by offset in the program
std::vector<std::string> text_at;
Step* steps = nullptr;
volatile std::size_t step_count = 0;
volatile bool is_recording = false;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) { return (a ^ b) * 0x9e3779b97f4a7c15 + (a >> 29); }

const Operand* ours(std::uint64_t instruction) {
  const std::uint64_t offset = instruction - program_start;
  return offset < operand_at.size() && operand_at[offset].kind != Kind::kNotOurs ? &operand_at[offset] : nullptr;
}

void on_trap(int, siginfo_t*, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  if (!is_recording || step_count == kMaxSteps) {
    registers[REG_EFL] &= ~kTrapFlag;
    return;
  }
  static bool was_ours = true;
  const auto value = [&](int number) { return static_cast<std::uint64_t>(registers[number]); };
  Step step{value(REG_RIP), 0};
  if (const Operand* operand = ours(step.instruction)) {
    was_ours = true;
    if (operand->kind == Kind::kMemory) {
      step.address = static_cast<std::uint64_t>(operand->offset);
      if (operand->base >= 0) step.address += value(operand->base);
      if (operand->index >= 0) step.address += value(operand->index) * operand->scale;
    }
  } else if (was_ours) {
    was_ours = false;
    step.address = mix(mix(value(REG_RDI), value(REG_RSI)), value(REG_RDX));
  }
  steps[step_count] = step;
  step_count = step_count + 1;
}

Operand operand_of(const std::string& instruction) {
  static const std::map<std::string, int> kNumbers = {{"rax", REG_RAX}, {"rbx", REG_RBX}, {"rcx", REG_RCX}, {"rdx", REG_RDX},
                                                      {"rsi", REG_RSI}, {"rdi", REG_RDI}, {"rbp", REG_RBP}, {"rsp", REG_RSP},
                                                      {"r8", REG_R8},   {"r9", REG_R9},   {"r10", REG_R10}, {"r11", REG_R11},
                                                      {"r12", REG_R12}, {"r13", REG_R13}, {"r14", REG_R14}, {"r15", REG_R15}};
  static const std::regex kOperand(R"((-?)(?:0x([0-9a-f]+))?\((?:%(\w+))?(?:,%(\w+),([1248]))?\))");
  static const std::regex kNoAccess(R"((?:\w+ )*(?:lea|nop)\w*\s.*)");
  std::smatch match;
  Operand operand{Kind::kNone, -1, -1, 1, 0};
  if (instruction.find('(') == std::string::npos || std::regex_match(instruction, kNoAccess)) return operand;
  operand.kind = Kind::kUnknown;
  if (!std::regex_search(instruction, match, kOperand)) return operand;
  for (const int part : {3, 4}) {
    const std::string name = match[part].str();
    if (name.empty() || name == "rip") continue;  // relative to the instruction: no choice of the program's
    const auto number = kNumbers.find(name);
    if (number == kNumbers.end()) return operand;  // a vector of indices, among others
    (part == 3 ? operand.base : operand.index) = static_cast<std::int8_t>(number->second);
  }
  if (match[5].matched) operand.scale = static_cast<std::uint8_t>(std::stoi(match[5].str()));
  if (match[2].matched)
    operand.offset = static_cast<std::int32_t>(std::stoul(match[2].str(), nullptr, 16)) * (match[1].length() > 0 ? -1 : 1);
  operand.kind = Kind::kMemory;
  return operand;
}

// "   1234:\tvpaddd 0x40(%rsp),%zmm0,%zmm1"
bool read_listing() {
  std::array<char, 4096> path{};
  if (realpath("/proc/self/exe", path.data()) == nullptr) return false;
  const std::string command = "objdump -d --no-show-raw-insn '" + std::string(path.data()) + "' 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> listing(popen(command.c_str(), "r"), pclose);
  if (listing == nullptr) return false;
  char* line = nullptr;
  std::size_t capacity = 0;
  while (getline(&line, &capacity, listing.get()) > 0) {
    char* end = nullptr;
    const std::uint64_t offset = std::strtoull(line, &end, 16);
    if (end == line || end[0] != ':' || end[1] != '\t') continue;
    if (offset >= operand_at.size()) operand_at.resize(offset + 4096), text_at.resize(offset + 4096);
    std::string text(end + 2);
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    operand_at[offset] = operand_of(text);
    text_at[offset] = std::move(text);
  }
  std::free(line);
  return !operand_at.empty();
}

}  // namespace

std::optional<Stepper> Stepper::create() {
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void*) {
        program_start = info->dlpi_addr;
        return 1;  // the first is this program
      },
      nullptr);
  if (operand_at.empty() && !read_listing()) return std::nullopt;
  if (steps == nullptr) {
    void* memory = mmap(nullptr, kMaxSteps * sizeof(Step) + kSignalStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return std::nullopt;
    steps = static_cast<Step*>(memory);
  }
  Stepper stepper;
  if (stepper.record([] {}).empty()) return std::nullopt;
  return stepper;
}

std::vector<Step> Stepper::record(const std::function<void()>& call) {
  stack_t stack{};
  stack.ss_sp = steps + kMaxSteps;
  stack.ss_size = kSignalStack;
  sigaltstack(&stack, nullptr);
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGTRAP, &action, &before);
  step_count = 0;
  is_recording = true;
  // Below the red zone, in which the compiler may keep values.
  asm volatile("lea -128(%%rsp), %%rsp; pushfq; orq $0x100, (%%rsp); popfq; lea 128(%%rsp), %%rsp" : : : "memory", "cc");
  call();
  is_recording = false;  // and the next trap is the last
  asm volatile("nop; nop" : : : "memory");
  sigaction(SIGTRAP, &before, nullptr);
  stack.ss_flags = SS_DISABLE;
  sigaltstack(&stack, nullptr);
  if (step_count == kMaxSteps) std::abort();  // a test that asks too much
  std::vector<Step> recorded(steps, steps + step_count);
  for (const Step& step : recorded) {
    const Operand* operand = ours(step.instruction);
    if (operand != nullptr && operand->kind == Kind::kUnknown) not_understood_.push_back(describe(step));
  }
  return recorded;
}

std::string Stepper::describe(const Step& step) const {
  const std::uint64_t offset = step.instruction - program_start;
  std::array<char, 64> place{};
  std::snprintf(place.data(), place.size(), "+0x%llx: ", static_cast<unsigned long long>(offset));
  return place.data() + (ours(step.instruction) != nullptr ? text_at[offset] : "in a library");
}

}  // namespace wgu::crypto::trace
