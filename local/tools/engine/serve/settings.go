package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// vLLM's own defaults where the plan renders no value.
const (
	defaultPort             = 8000
	defaultReadySeconds     = 600
	defaultKeepAliveSeconds = 5
	defaultAnswers          = 16384
	defaultContextTokens    = 32768 // vLLM reads it from the model, whose config.json the simulator does not interpret
)

// notSimulated are flags that would change how a client reaches the server: ignoring them would prove the wrong thing.
var notSimulated = []string{"uds", "ssl_keyfile", "ssl_certfile", "headless", "grpc", "grpc_port", "root_path", "data_parallel_multi_port_external_lb"}

// settings is what the command line and the environment say of everything that is simulated.
type settings struct {
	model, revision, cache, simulator string
	servedNames, apiKeys              []string
	address                           string
	contextTokens, sequences          int
	queueLimit                        int // running and waiting together; negative: none
	answerTokens                      int // most that any answer gets; 0: up to the context
	answersPerRequest                 int
	shutdownTimeout, readyTimeout     time.Duration
	keepAlive, defaultStart           time.Duration
}

func readSettings(known *table, given *arguments) (*settings, error) {
	for _, destination := range notSimulated {
		if word, there := given.one(destination); there && word != "" && word != "false" {
			return nil, fromEngine("--%s is not simulated", strings.ReplaceAll(destination, "_", "-"))
		}
	}
	host, _ := given.one("host")
	chosen := &settings{
		model:         given.model,
		servedNames:   given.values["served_model_name"],
		apiKeys:       given.values["api_key"],
		address:       net.JoinHostPort(host, strconv.Itoa(int(known.number(given, "port", defaultPort)))),
		contextTokens: int(known.number(given, "max_model_len", defaultContextTokens)),
		sequences:     int(known.number(given, "max_num_seqs", defaultSequences)),
		queueLimit:    int(known.number(given, "max_num_queued_reqs", -1)),
		cache:         os.Getenv("HF_HUB_CACHE"),
		simulator:     os.Getenv("SIMULATOR_BINARY"),
	}
	chosen.revision, _ = given.one("revision")
	chosen.shutdownTimeout = seconds(known.number(given, "shutdown_timeout", 0))
	if len(chosen.servedNames) == 0 {
		chosen.servedNames = []string{given.model}
	}
	if key := os.Getenv("VLLM_API_KEY"); key != "" && len(chosen.apiKeys) == 0 {
		chosen.apiKeys = []string{key}
	}
	if chosen.cache == "" {
		chosen.cache = filepath.Join(os.Getenv("HOME"), ".cache", "huggingface", "hub")
	}
	if chosen.simulator == "" {
		chosen.simulator = "/usr/local/bin/llm-d-inference-sim"
	}
	if chosen.contextTokens <= 0 {
		chosen.contextTokens = defaultContextTokens
	}
	return chosen, chosen.readEnvironment(given)
}

func (chosen *settings) readEnvironment(given *arguments) error {
	var ready, keepAlive, start, answers float64
	for _, one := range []struct {
		name     string
		into     *float64
		fallback float64
	}{
		{"VLLM_ENGINE_READY_TIMEOUT_S", &ready, defaultReadySeconds},
		{"VLLM_HTTP_TIMEOUT_KEEP_ALIVE", &keepAlive, defaultKeepAliveSeconds},
		{"VLLM_MAX_N_SEQUENCES", &answers, defaultAnswers},
		{"SIMULATOR_START_SECONDS", &start, 1},
	} {
		*one.into = one.fallback
		if text := os.Getenv(one.name); text != "" {
			number, err := numberOf(text)
			if err != nil || number < 0 {
				return fromEngine("%s=%s: a number that is not negative is needed", one.name, text)
			}
			*one.into = number
		}
	}
	chosen.readyTimeout, chosen.keepAlive, chosen.defaultStart = seconds(ready), seconds(keepAlive), seconds(start)
	chosen.answersPerRequest = int(answers)
	if text, there := given.one("override_generation_config"); there && text != "" {
		override := struct {
			Tokens int `json:"max_new_tokens"`
		}{}
		if err := json.Unmarshal([]byte(text), &override); err != nil {
			return fromEngine("--override-generation-config: %s", err)
		}
		chosen.answerTokens = override.Tokens
	}
	return nil
}

// pace is how long this model takes, from `simulator.json` beside its weights.
type pace struct {
	StartSeconds      *float64 `json:"start_seconds"`
	FirstMilliseconds float64  `json:"time_to_first_token_milliseconds"`
	NextMilliseconds  float64  `json:"inter_token_latency_milliseconds"`
}

func readPace(snapshot string, defaultStart time.Duration) (*pace, error) {
	start := defaultStart.Seconds()
	chosen := &pace{StartSeconds: &start}
	path := filepath.Join(snapshot, "simulator.json")
	file, err := os.Open(path)
	if os.IsNotExist(err) {
		return chosen, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(chosen); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return chosen, nil
}

func seconds(number float64) time.Duration { return time.Duration(number * float64(time.Second)) }
