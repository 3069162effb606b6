// The simulated engine: it stands where `vllm serve` stands in the image, judges its command line as vLLM does, checks the
// weights, and puts vLLM's behaviour at start, under load and at shutdown in front of a third-party simulator of its answers.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// Recorded from the real parser of the pinned release by `python -m tests.support.vllm_flags`, and compared with it by a test.
//
//go:embed flags.json
var recordedFlags []byte

// flag is what the table says of one flag; tests/support/vllm_flags.py gives the meaning of each field.
type flag struct {
	Names       []string
	Destination string
	Arguments   string
	Off         []string
	Kind        string
	Optional    bool
	Choices     []string
	Allowed     []string
	Keys        []string
	Minimum     *float64
	Maximum     *float64
	Above       *float64
	Below       *float64
}

type table struct {
	Version     string
	Flags       []*flag
	Environment []string
	byName      map[string]*flag
}

// refusal ends the process with the exit status that vLLM would end with: 2 where its argument parser refuses, 1 where an
// exception would come from anything after it.
type refusal struct {
	status int
	text   string
}

func (refused refusal) Error() string { return refused.text }

func fromParser(text string, values ...any) error {
	return refusal{2, "vllm serve: error: " + fmt.Sprintf(text, values...)}
}

func fromEngine(text string, values ...any) error {
	return refusal{1, "vllm serve: " + fmt.Sprintf(text, values...)}
}

func loadTable() (*table, error) {
	known := &table{byName: map[string]*flag{}}
	if err := json.Unmarshal(recordedFlags, known); err != nil {
		return nil, fmt.Errorf("flags.json, which this program was built with: %w", err)
	}
	for _, one := range known.Flags {
		for _, name := range one.Names {
			known.byName[name] = one
		}
	}
	return known, nil
}
