package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

const (
	readyPollInterval = 20 * time.Millisecond
	longestQueue      = 4096 // where the command line names none: the simulator reserves memory for each place
)

// child is the running simulator of answers.
type child struct {
	process *os.Process
	url     *url.URL
	ended   chan struct{}
}

func startChild(chosen *settings, timing *pace) (*child, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	queue := chosen.queueLimit
	if queue < 0 {
		queue = longestQueue
	}
	command := exec.Command(chosen.simulator, "--mode", "echo", "--force-dummy-tokenizer", "--v=0",
		"--model", chosen.model, "--port", strconv.Itoa(port),
		// The adapter enforces the context itself; an answer of a wanted length lengthens the prompt that is echoed.
		"--max-model-len", strconv.Itoa(2*chosen.contextTokens),
		"--max-num-seqs", strconv.Itoa(chosen.sequences), "--max-waiting-queue-length", strconv.Itoa(queue),
		"--time-to-first-token", milliseconds(timing.FirstMilliseconds), "--inter-token-latency", milliseconds(timing.NextMilliseconds),
		"--served-model-name")
	command.Args = append(command.Args, chosen.servedNames...)
	command.Env = []string{} // it must see neither the API key nor the pod's variables
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	// Its own group, because an interrupt from a terminal must not reach it before the drain; killed with its parent, because
	// outside a container nothing else would end it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("the simulator cannot be started (SIMULATOR_BINARY): %w", err)
	}
	started := &child{
		process: command.Process,
		url:     &url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))},
		ended:   make(chan struct{}),
	}
	go started.reap()
	return started, nil
}

// reap waits for every child, because a container's first process is given the orphans of all others.
func (started *child) reap() {
	defer close(started.ended)
	for {
		pid, err := syscall.Wait4(-1, nil, 0, nil)
		if pid == started.process.Pid || err != nil && !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}

// ready returns once the simulator answers.
func (started *child) ready(stop <-chan struct{}) error {
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		if answer, err := client.Get(started.url.JoinPath("health").String()); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-started.ended:
			return errors.New("the simulator ended while it started")
		case <-stop:
			return errStopped
		case <-time.After(readyPollInterval):
		}
	}
}

func (started *child) dead() bool {
	select {
	case <-started.ended:
		return true
	default:
		return false
	}
}

func (started *child) kill() {
	if err := started.process.Kill(); err == nil {
		<-started.ended
	}
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp4", ":0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func milliseconds(number float64) string { return strconv.FormatFloat(number, 'f', -1, 64) + "ms" }
