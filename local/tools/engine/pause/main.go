// The process of a pod's sandbox: it holds the pod's namespaces until it is told to end. Where the pod shares its process
// namespace it is the first process there, and orphans become its children.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ends, children := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM, syscall.SIGINT)
	signal.Notify(children, syscall.SIGCHLD)
	reap() // of those that ended before anybody listened
	for {
		select {
		case <-ends:
			return
		case <-children:
			reap()
		}
	}
}

// reap takes every ended child, because several that end together make only one signal.
func reap() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if pid <= 0 && err != syscall.EINTR {
			return
		}
	}
}
