// What a GGUF makes of given tokens: MODEL SEQUENCES OUT TOKENS, as LogitsKt does for an ONNX export.
//
// Each line of SEQUENCES is "prompt ids | answer ids". The prompt is fed at once and the answer one token at a time; where no
// answer is given it is the likeliest one, of at most TOKENS and up to an end token. The logits that chose each token go to OUT
// as float32, and the answer's ids are printed as a JSON list.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "llama.h"

using Ids = std::vector<llama_token>;

static Ids read_ids(const std::string &text) {
    std::istringstream words(text);
    Ids ids;
    for (llama_token id; words >> id;) ids.push_back(id);
    return ids;
}

static Ids follow(llama_context *context, const llama_vocab *vocab, const Ids &prompt, const Ids &forced, size_t tokens,
                  std::ofstream &out) {
    const int size = llama_vocab_n_tokens(vocab);
    llama_memory_clear(llama_get_memory(context), true);
    Ids next = prompt, answer;
    while (answer.size() < (forced.empty() ? tokens : forced.size())) {
        if (llama_decode(context, llama_batch_get_one(next.data(), static_cast<int32_t>(next.size()))) != 0) {
            std::cerr << "llama_decode failed\n";
            std::exit(1);
        }
        const float *logits = llama_get_logits_ith(context, -1);
        out.write(reinterpret_cast<const char *>(logits), static_cast<std::streamsize>(size * sizeof(float)));
        const auto likeliest = static_cast<llama_token>(std::max_element(logits, logits + size) - logits);
        const llama_token chosen = forced.empty() ? likeliest : forced[answer.size()];
        answer.push_back(chosen);
        if (forced.empty() && llama_vocab_is_eog(vocab, chosen)) break;
        next = {chosen};
    }
    return answer;
}

int main(int count, char **arguments) {
    if (count != 5) return 2;
    llama_log_set([](ggml_log_level level, const char *text, void *) {
        if (level >= GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
    }, nullptr);
    llama_model *model = llama_model_load_from_file(arguments[1], llama_model_default_params());
    if (model == nullptr) return 1;
    llama_context_params settings = llama_context_default_params();
    settings.n_ctx = settings.n_batch = 1024;
    settings.n_threads = settings.n_threads_batch = 1;
    llama_context *context = llama_init_from_model(model, settings);
    if (context == nullptr) return 1;
    std::ifstream sequences(arguments[2]);
    std::ofstream out(arguments[3], std::ios::binary);
    for (std::string line; std::getline(sequences, line);) {
        const size_t bar = line.find('|');
        const Ids prompt = read_ids(line.substr(0, bar)), forced = read_ids(line.substr(bar + 1));
        const Ids answer = follow(context, llama_model_get_vocab(model), prompt, forced, std::stoul(arguments[4]), out);
        for (size_t at = 0; at < answer.size(); at++) std::cout << (at == 0 ? "[" : ", ") << answer[at];
        std::cout << "]\n";
    }
    llama_free(context);
    llama_model_free(model);
}
