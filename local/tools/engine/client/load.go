package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	progressInterval  = 5 * time.Second
	conditionInterval = 50 * time.Millisecond

	// A caller that is refused at once and asks again at once would be a flood, and its count of failures meaningless.
	pauseAfterFailure = 100 * time.Millisecond
)

// plan is what a load consists of, and when it ends: when all conditions hold that are given.
type plan struct {
	targets     targets
	requests    int
	connections int
	streamShare float64
	seconds     float64
	untilFile   string
	timeout     float64
	pause       float64
	keepAlive   bool
	question    question
}

type targets []target

func (list *targets) String() string { return fmt.Sprint(*list) }

func (list *targets) Set(text string) error {
	at := strings.LastIndex(text, "=")
	if at <= 0 || at == len(text)-1 {
		return errors.New("URL=MODEL is needed")
	}
	*list = append(*list, target{text[:at], text[at+1:]})
	return nil
}

func readPlan(flags *flag.FlagSet, line []string) (*plan, error) {
	chosen := &plan{}
	flags.Var(&chosen.targets, "target", "URL=MODEL; may be repeated: connections are dealt out over all")
	flags.IntVar(&chosen.requests, "requests", 0, "least number of requests")
	flags.IntVar(&chosen.connections, "connections", 1, "requests at once, each on its own connection")
	flags.Float64Var(&chosen.streamShare, "stream-share", 0.5, "share of requests that ask for a stream")
	flags.Float64Var(&chosen.seconds, "seconds", 0, "least time")
	flags.StringVar(&chosen.untilFile, "until-file", "", "goes on until this file exists")
	flags.Float64Var(&chosen.timeout, "timeout-seconds", 60, "for each whole answer")
	flags.Float64Var(&chosen.pause, "pause-milliseconds", 0, "between the requests of one connection")
	flags.BoolVar(&chosen.keepAlive, "keep-alive", true, "use a connection for more than one request")
	flags.IntVar(&chosen.question.tokens, "max-tokens", 0, "exact length of each answer, where the engine knows ignore_eos")
	flags.StringVar(&chosen.question.text, "prompt", defaultQuestion, "what to ask")
	keyFile := flags.String("api-key-file", "", "file with the key")
	if err := parse(flags, line, "target", "requests"); err != nil {
		return nil, err
	}
	if chosen.connections < 1 || chosen.streamShare < 0 || chosen.streamShare > 1 {
		return nil, fmt.Errorf("--connections %d must be at least 1 and --stream-share %v from 0 to 1", chosen.connections, chosen.streamShare)
	}
	key, err := keyFrom(*keyFile)
	chosen.question.key = key
	return chosen, err
}

func load(flags *flag.FlagSet, line []string) (any, bool, error) {
	chosen, err := readPlan(flags, line)
	if err != nil {
		return nil, false, err
	}
	interrupted, release := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer release()
	results, enough := newTally(chosen.targets), make(chan struct{})
	workers, number := sync.WaitGroup{}, atomic.Int64{}
	for i := range chosen.connections {
		workers.Go(func() { chosen.work(interrupted, i%len(chosen.targets), &number, results, enough) })
	}
	chosen.watch(interrupted, results)
	close(enough)
	workers.Wait()
	report := results.report()
	return report, report.Failed == 0 && report.Answered > 0, nil
}

// work asks one target, one request after the other, until there is enough.
func (chosen *plan) work(interrupted context.Context, index int, number *atomic.Int64, results *tally, enough <-chan struct{}) {
	client := newClient(chosen.keepAlive, seconds(chosen.timeout))
	defer client.CloseIdleConnections()
	for {
		wanted := chosen.question
		wanted.stream = chosen.streams(number.Add(1))
		result := ask(interrupted, client, chosen.targets[index], wanted)
		if interrupted.Err() != nil {
			return // this answer was cut from here
		}
		results.add(index, wanted.stream, result)
		pause := chosen.pause / 1000
		if result.reason != "" {
			pause = max(pause, pauseAfterFailure.Seconds())
		}
		select {
		case <-enough:
			return
		case <-interrupted.Done():
			return
		case <-time.After(seconds(pause)):
		}
	}
}

// streams spreads the share evenly: with 0.5 every second request.
func (chosen *plan) streams(number int64) bool {
	return int64(float64(number)*chosen.streamShare) > int64(float64(number-1)*chosen.streamShare)
}

// watch tells the progress and returns when all conditions hold.
func (chosen *plan) watch(interrupted context.Context, results *tally) {
	progress, condition := time.NewTicker(progressInterval), time.NewTicker(conditionInterval)
	defer progress.Stop()
	defer condition.Stop()
	for {
		select {
		case <-interrupted.Done():
			return
		case <-progress.C:
			fmt.Fprintln(os.Stderr, results.progress())
		case <-condition.C:
			if results.done() >= chosen.requests && results.elapsed() >= seconds(chosen.seconds) && chosen.fileThere() {
				return
			}
		}
	}
}

func (chosen *plan) fileThere() bool {
	if chosen.untilFile == "" {
		return true
	}
	_, err := os.Stat(chosen.untilFile)
	return err == nil
}
