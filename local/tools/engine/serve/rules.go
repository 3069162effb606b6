package main

import (
	"fmt"
	"slices"
	"strings"
)

// The engine takes the one of these two that is not given from the GPU; these are its widest defaults, so that only a
// combination that no GPU could serve is refused.
const (
	widestBatchTokens = 16384
	defaultSequences  = 256
)

// checkRules refuses what vLLM's own validation and its configuration classes refuse after parsing.
func (known *table) checkRules(given *arguments) error {
	if given.model == "" {
		return fromEngine("no model is given: vLLM would serve its default one, which is never meant here")
	}
	for _, one := range known.Flags {
		for _, word := range given.values[one.Destination] {
			if err := one.checkValue(word); err != nil {
				return fromEngine("%s: %s", one.Names[0], err)
			}
		}
	}
	parser, _ := given.one("tool_call_parser")
	tokens, sequences := known.number(given, "max_num_batched_tokens", widestBatchTokens), known.number(given, "max_num_seqs", 0)
	switch {
	case given.on("enable_auto_tool_choice") && parser == "":
		return fromEngine("Error: --enable-auto-tool-choice requires --tool-call-parser")
	case given.on("enable_log_outputs") && !given.on("enable_log_requests"):
		return fromEngine("Error: --enable-log-outputs requires --enable-log-requests")
	case given.on("enable_per_request_metrics") && given.on("disable_log_stats"):
		return fromEngine("Error: --enable-per-request-metrics requires engine statistics: remove --disable-log-stats")
	case known.number(given, "sse_keep_alive_interval", 0) < 0:
		return fromEngine("Error: --sse-keep-alive-interval must be a non-negative integer")
	case sequences > tokens:
		return fromEngine("--max-num-batched-tokens (%v) must not be below --max-num-seqs (%v)", tokens, sequences)
	}
	return nil
}

func (one *flag) checkValue(word string) error {
	if len(one.Allowed) > 0 && word != "" && !slices.Contains(one.Allowed, word) {
		return fmt.Errorf("'%s' is not one of %s", word, strings.Join(one.Allowed, ", "))
	}
	number, numeric := one.value(word)
	switch { // negated, because a number that is none (nan) is within no bound
	case !numeric:
		return nil
	case one.Minimum != nil && !(number >= *one.Minimum):
		return fmt.Errorf("%s should be greater than or equal to %v", word, *one.Minimum)
	case one.Above != nil && !(number > *one.Above):
		return fmt.Errorf("%s should be greater than %v", word, *one.Above)
	case one.Maximum != nil && !(number <= *one.Maximum):
		return fmt.Errorf("%s should be less than or equal to %v", word, *one.Maximum)
	case one.Below != nil && !(number < *one.Below):
		return fmt.Errorf("%s should be less than %v", word, *one.Below)
	}
	return nil
}

// number is the value of a flag, or the fallback where it is not given or means none.
func (known *table) number(given *arguments, destination string, fallback float64) float64 {
	word, there := given.one(destination)
	if !there {
		return fallback
	}
	for _, one := range known.Flags {
		if one.Destination == destination {
			if number, numeric := one.value(word); numeric {
				return number
			}
		}
	}
	return fallback
}

// checkEnvironment refuses variables that vLLM does not know, as `--fail-on-environ-validation` does; names are KEY=VALUE.
func (known *table) checkEnvironment(variables []string) error {
	for _, variable := range variables {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "VLLM_") && !slices.Contains(known.Environment, name) {
			return fromEngine("ValueError: Unknown vLLM environment variable detected: %s", name)
		}
	}
	return nil
}
