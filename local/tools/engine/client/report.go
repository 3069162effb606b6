package main

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

const mostExamples = 20

// loadReport is what the load command prints.
type loadReport struct {
	Seconds  float64        `json:"seconds"`
	Sent     int            `json:"sent"`
	Answered int            `json:"answered"`
	Failed   int            `json:"failed"`
	Targets  []targetReport `json:"targets"`
	Examples []example      `json:"failure_examples"`
}

type targetReport struct {
	URL      string         `json:"url"`
	Model    string         `json:"model"`
	Sent     int            `json:"sent"`
	Answered int            `json:"answered"`
	Failed   map[string]int `json:"failed"`
	Latency  percentiles    `json:"latency_milliseconds"`
	First    percentiles    `json:"first_token_milliseconds"`
}

type percentiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

type example struct {
	At     string `json:"at"`
	URL    string `json:"url"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
	Remote string `json:"remote_address"`
	Stream bool   `json:"stream"`
}

// tally counts outcomes by target while a load runs.
type tally struct {
	lock     sync.Mutex
	began    time.Time
	targets  []targetReport
	latency  [][]time.Duration
	first    [][]time.Duration // of streams: a whole answer has no first token
	examples []example
}

func newTally(list targets) *tally {
	made := &tally{began: time.Now(), latency: make([][]time.Duration, len(list)), first: make([][]time.Duration, len(list)), examples: []example{}}
	for _, one := range list {
		made.targets = append(made.targets, targetReport{URL: one.url, Model: one.model, Failed: map[string]int{}})
	}
	return made
}

func (counted *tally) add(index int, stream bool, result outcome) {
	counted.lock.Lock()
	defer counted.lock.Unlock()
	at := &counted.targets[index]
	at.Sent++
	if result.reason == "" {
		at.Answered++
		counted.latency[index] = append(counted.latency[index], result.whole)
		if stream {
			counted.first[index] = append(counted.first[index], result.first)
		}
		return
	}
	at.Failed[result.reason]++
	if len(counted.examples) < mostExamples {
		counted.examples = append(counted.examples, example{
			At:  result.began.Add(result.whole).UTC().Format("2006-01-02T15:04:05.000Z"),
			URL: at.URL, Reason: result.reason, Detail: result.detail, Remote: result.remote, Stream: stream,
		})
	}
}

func (counted *tally) elapsed() time.Duration { return time.Since(counted.began) }

func (counted *tally) done() int {
	sent, _ := counted.counts()
	return sent
}

func (counted *tally) counts() (sent, answered int) {
	counted.lock.Lock()
	defer counted.lock.Unlock()
	for _, one := range counted.targets {
		sent, answered = sent+one.Sent, answered+one.Answered
	}
	return sent, answered
}

func (counted *tally) progress() string {
	sent, answered := counted.counts()
	return fmt.Sprintf("%.0f s: %d answered, %d failed", counted.elapsed().Seconds(), answered, sent-answered)
}

func (counted *tally) report() loadReport {
	sent, answered := counted.counts()
	for i := range counted.targets {
		counted.targets[i].Latency = percentilesOf(counted.latency[i])
		counted.targets[i].First = percentilesOf(counted.first[i])
	}
	return loadReport{
		Seconds: float64(counted.elapsed().Milliseconds()) / 1000, Sent: sent, Answered: answered, Failed: sent - answered,
		Targets: counted.targets, Examples: counted.examples,
	}
}

func percentilesOf(lengths []time.Duration) percentiles {
	if len(lengths) == 0 {
		return percentiles{}
	}
	slices.Sort(lengths)
	last := len(lengths) - 1
	return percentiles{milliseconds(lengths[last*50/100]), milliseconds(lengths[last*99/100])}
}
