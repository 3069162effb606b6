package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

const (
	datagramBytes = 1500

	// How long a listener waits for a request before it answers a caller that only connects.
	requestPatience = 200 * time.Millisecond
)

const okResponse = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"

// listen answers "ok" to every connection, or every datagram with itself; it ends only with an error.
func listen(flags *flag.FlagSet, line []string) (any, bool, error) {
	port := flags.Int("port", -1, "the port, on all addresses; 0: any that is free")
	datagrams := flags.Bool("udp", false, "echo datagrams")
	if err := parse(flags, line); err != nil {
		return nil, false, err
	}
	if *port < 0 {
		return nil, false, errors.New("--port is missing")
	}
	address := ":" + strconv.Itoa(*port)
	if *datagrams {
		return nil, false, echo(address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, false, err
	}
	fmt.Fprintln(os.Stderr, "listening at", listener.Addr())
	for {
		connection, err := listener.Accept()
		if err != nil {
			return nil, false, err
		}
		go greet(connection)
	}
}

// greet answers HTTP and anything else; a caller that has gone meanwhile misses nothing that it wanted.
func greet(connection net.Conn) {
	defer connection.Close()
	_ = connection.SetReadDeadline(time.Now().Add(requestPatience))
	if count, _ := connection.Read(make([]byte, datagramBytes)); count > 0 {
		_, _ = connection.Write([]byte(okResponse))
		return
	}
	_, _ = connection.Write([]byte("ok\n"))
}

func echo(address string) error {
	socket, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "listening at", socket.LocalAddr())
	datagram := make([]byte, datagramBytes)
	for {
		count, from, err := socket.ReadFrom(datagram)
		if err != nil {
			return err
		}
		if _, err := socket.WriteTo(datagram[:count], from); err != nil {
			fmt.Fprintln(os.Stderr, "client listen:", err)
		}
	}
}

type connectReport struct {
	Connected bool   `json:"connected"`
	Error     string `json:"error"`
}

// connect says whether a connection can be made, or a datagram comes back.
func connect(flags *flag.FlagSet, line []string) (any, bool, error) {
	address := flags.String("address", "", "HOST:PORT")
	datagrams := flags.Bool("udp", false, "send a datagram and wait for its echo")
	timeout := flags.Float64("timeout-seconds", 2, "how long to try")
	if err := parse(flags, line, "address"); err != nil {
		return nil, false, err
	}
	if _, _, err := net.SplitHostPort(*address); err != nil {
		return nil, false, fmt.Errorf("--address %s: %w", *address, err)
	}
	network := "tcp"
	if *datagrams {
		network = "udp"
	}
	if err := try(network, *address, seconds(*timeout)); err != nil {
		return connectReport{Error: err.Error()}, false, nil
	}
	return connectReport{Connected: true}, true, nil
}

func try(network, address string, timeout time.Duration) error {
	until := time.Now().Add(timeout)
	connection, err := net.DialTimeout(network, address, timeout)
	if err != nil || network == "tcp" {
		if err == nil {
			err = connection.Close()
		}
		return err
	}
	defer connection.Close()
	if err := connection.SetDeadline(until); err != nil {
		return err
	}
	if _, err := connection.Write([]byte("ok")); err != nil {
		return err
	}
	_, err = connection.Read(make([]byte, datagramBytes))
	return err
}
