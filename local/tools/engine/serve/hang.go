package main

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// hang is a process that runs and does nothing, as one does whose GPU or event loop is stuck.
type hang struct {
	lock    sync.Mutex
	resumed chan struct{} // nil: not hanging
}

func (stuck *hang) begin() {
	stuck.lock.Lock()
	defer stuck.lock.Unlock()
	if stuck.resumed == nil {
		stuck.resumed = make(chan struct{})
	}
}

func (stuck *hang) end() {
	stuck.lock.Lock()
	defer stuck.lock.Unlock()
	if stuck.resumed != nil {
		close(stuck.resumed)
		stuck.resumed = nil
	}
}

func (stuck *hang) active() bool {
	stuck.lock.Lock()
	defer stuck.lock.Unlock()
	return stuck.resumed != nil
}

// wait returns when the process does not hang, or with an error when the client has gone.
func (stuck *hang) wait(client context.Context) error {
	stuck.lock.Lock()
	resumed := stuck.resumed
	stuck.lock.Unlock()
	if resumed == nil {
		return nil
	}
	select {
	case <-resumed:
		return nil
	case <-client.Done():
		return client.Err()
	}
}

// haltingWriter stops a stream in its middle while the process hangs.
type haltingWriter struct {
	http.ResponseWriter
	stuck  *hang
	client context.Context
}

func (halting haltingWriter) Write(text []byte) (int, error) {
	if err := halting.stuck.wait(halting.client); err != nil {
		return 0, err
	}
	return halting.ResponseWriter.Write(text)
}

func (halting haltingWriter) Unwrap() http.ResponseWriter { return halting.ResponseWriter }

// watchSignals closes what it returns at SIGTERM or SIGINT; SIGUSR1 begins a hang and SIGUSR2 ends it. A process that hangs
// does not notice that it is asked to end either.
func watchSignals(stuck *hang) <-chan struct{} {
	signals, stop := make(chan os.Signal, 16), make(chan struct{})
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		asked, stopped := false, false
		for received := range signals {
			switch received {
			case syscall.SIGUSR1:
				stuck.begin()
			case syscall.SIGUSR2:
				stuck.end()
			default:
				asked = true
			}
			if asked && !stopped && !stuck.active() {
				stopped = true
				close(stop)
			}
		}
	}()
	return stop
}
