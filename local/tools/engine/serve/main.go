package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"
)

const (
	// 130 is how Python ends at the exception that vLLM raises for SIGTERM while it loads.
	stoppedWhileLoading = 130

	// A dead engine is told to whoever asks for its health before the process ends, as vLLM does for up to 5 s.
	deadEngineNotice = time.Second

	// How long the last bytes of finished answers may take to reach their clients.
	lastBytes = time.Second
)

var errStopped = errors.New("terminated")

func init() {
	runtime.LockOSThread() // the simulator is killed with the thread that started it, which must therefore be the first one
}

func main() {
	began := time.Now()
	err := run(began)
	refused := refusal{}
	switch {
	case err == nil:
	case errors.As(err, &refused):
		fmt.Fprintln(os.Stderr, refused.text)
		os.Exit(refused.status)
	case errors.Is(err, errStopped):
		fmt.Fprintln(os.Stderr, "vllm serve: KeyboardInterrupt: terminated")
		os.Exit(stoppedWhileLoading)
	default:
		fmt.Fprintln(os.Stderr, "vllm serve:", err)
		os.Exit(1)
	}
}

func run(began time.Time) error {
	known, err := loadTable()
	if err != nil {
		return err
	}
	given, err := known.arguments(os.Args[1:])
	if err != nil {
		return err
	}
	if os.Getenv("SIMULATOR_CHECK_ONLY") == "1" {
		fmt.Println("ok")
		return nil
	}
	chosen, err := readSettings(known, given)
	if err != nil {
		return err
	}
	stuck := &hang{}
	stop := watchSignals(stuck)
	timing, err := load(chosen, began, stop)
	if err != nil {
		return err
	}
	engine, err := startChild(chosen, timing)
	if err != nil {
		return err
	}
	defer engine.kill()
	if err := engine.ready(stop); err != nil {
		return err
	}
	made := newServer(chosen, known.Version, stuck, engine)
	return made.serve(stop, time.Since(began))
}

// arguments is everything that vLLM looks at before it loads anything.
func (known *table) arguments(line []string) (*arguments, error) {
	line, err := normalise(line)
	if err != nil {
		return nil, err
	}
	given, err := known.parse(line)
	if err != nil {
		return nil, err
	}
	if err := known.checkRules(given); err != nil {
		return nil, err
	}
	if given.on("fail_on_environ_validation") {
		return given, known.checkEnvironment(os.Environ())
	}
	return given, nil
}

// load takes as long as the model says, counted from the start of the process, and really reads the weights meanwhile.
func load(chosen *settings, began time.Time, stop <-chan struct{}) (*pace, error) {
	late := time.After(time.Until(began.Add(chosen.readyTimeout)))
	snapshot, err := snapshotOf(chosen)
	if err != nil {
		return nil, err
	}
	timing, err := readPace(snapshot, chosen.defaultStart)
	if err != nil {
		return nil, err
	}
	read := make(chan error, 1)
	go func() { read <- checkWeights(snapshot) }()
	started := time.After(time.Until(began.Add(seconds(*timing.StartSeconds))))
	for read != nil || started != nil {
		select {
		case err := <-read:
			if err != nil {
				return nil, err
			}
			read = nil
		case <-started:
			started = nil
		case <-stop:
			return nil, errStopped
		case <-late:
			return nil, fmt.Errorf("TimeoutError: the engine was not ready within VLLM_ENGINE_READY_TIMEOUT_S=%v", chosen.readyTimeout.Seconds())
		}
	}
	return timing, nil
}

// serve answers until it is told to stop or the engine dies.
func (made *server) serve(stop <-chan struct{}, took time.Duration) error {
	listener, err := net.Listen("tcp", made.settings.address)
	if err != nil {
		return err
	}
	front := &http.Server{Handler: made, IdleTimeout: made.settings.keepAlive}
	failed := make(chan error, 1)
	go func() { failed <- front.Serve(listener) }()
	fmt.Fprintf(os.Stderr, "vllm serve (simulated %s): %v ready at %s after %.1f s\n", made.version, made.settings.servedNames, listener.Addr(), took.Seconds())
	select {
	case err := <-failed:
		return err
	case <-made.engine.ended:
		time.Sleep(deadEngineNotice)
		return errors.New("EngineDeadError: the simulator of answers ended")
	case <-stop:
		made.drain(front)
		return nil
	}
}

// drain waits for the answers in flight for as long as the command line allows, and cuts the rest.
func (made *server) drain(front *http.Server) {
	defer front.Close()
	if made.settings.shutdownTimeout == 0 {
		return
	}
	select {
	case <-made.gate.drain():
		soon, done := context.WithTimeout(context.Background(), lastBytes)
		defer done()
		// A client that does not read its last bytes is cut by the Close above.
		_ = front.Shutdown(soon)
	case <-made.engine.ended:
	case <-time.After(made.settings.shutdownTimeout):
	}
}
