package main

import (
	"context"
	"flag"
	"time"
)

const defaultQuestion = "Which region answers this question?"

type chatReport struct {
	OK     bool    `json:"ok"`
	Status int     `json:"status"`
	First  float64 `json:"time_to_first_token_milliseconds"`
	Whole  float64 `json:"total_milliseconds"`
	Text   string  `json:"text"`
	Reason string  `json:"reason,omitempty"`
	Error  string  `json:"error"`
	Remote string  `json:"remote_address"`
}

func chat(flags *flag.FlagSet, line []string) (any, bool, error) {
	at, wanted := target{}, question{}
	flags.StringVar(&at.url, "url", "", "the server, for example http://chat.vllm.svc:8000")
	flags.StringVar(&at.model, "model", "", "the model's name")
	flags.BoolVar(&wanted.stream, "stream", false, "ask for a stream")
	flags.StringVar(&wanted.text, "prompt", defaultQuestion, "what to ask")
	flags.IntVar(&wanted.tokens, "max-tokens", 0, "exact length of the answer, where the engine knows ignore_eos")
	timeout := flags.Float64("timeout-seconds", 60, "for the whole answer")
	keyFile := flags.String("api-key-file", "", "file with the key")
	if err := parse(flags, line, "url", "model"); err != nil {
		return nil, false, err
	}
	key, err := keyFrom(*keyFile)
	if err != nil {
		return nil, false, err
	}
	wanted.key = key
	result := ask(context.Background(), newClient(false, seconds(*timeout)), at, wanted)
	return chatReport{
		OK: result.reason == "", Status: result.status, First: milliseconds(result.first), Whole: milliseconds(result.whole),
		Text: result.text, Reason: result.reason, Error: result.detail, Remote: result.remote,
	}, result.reason == "", nil
}

func seconds(number float64) time.Duration { return time.Duration(number * float64(time.Second)) }
