// A device plugin that advertises GPUs nobody has: allocation, exhaustion and loss go the way they go with NVIDIA's.
//
// Identifiers of healthy GPUs come from a file with one line each, "GPU-… Healthy" or "GPU-… Unhealthy", read again when it
// changes. A kubelet that starts anew removes the plugin's socket; the plugin then registers again, as NVIDIA's does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	plugin "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

const (
	resource = "nvidia.com/gpu"
	period   = 200 * time.Millisecond
)

type gpus struct {
	plugin.UnimplementedDevicePluginServer
	file    string
	mutex   sync.Mutex
	devices []*plugin.Device
	changed chan struct{}
}

// read takes the file over and tells every watcher when it says something new.
func (g *gpus) read() error {
	text, err := os.ReadFile(g.file)
	if err != nil {
		return err
	}
	var found []*plugin.Device
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		identifier, health, _ := strings.Cut(line, " ")
		if identifier != "" {
			found = append(found, &plugin.Device{ID: identifier, Health: health})
		}
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if fmt.Sprint(found) == fmt.Sprint(g.devices) {
		return nil
	}
	g.devices = found
	close(g.changed)
	g.changed = make(chan struct{})
	return nil
}

func (g *gpus) now() ([]*plugin.Device, chan struct{}) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.devices, g.changed
}

func (g *gpus) GetDevicePluginOptions(context.Context, *plugin.Empty) (*plugin.DevicePluginOptions, error) {
	return &plugin.DevicePluginOptions{}, nil
}

func (g *gpus) ListAndWatch(_ *plugin.Empty, stream grpc.ServerStreamingServer[plugin.ListAndWatchResponse]) error {
	for {
		devices, changed := g.now()
		if err := stream.Send(&plugin.ListAndWatchResponse{Devices: devices}); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return nil
		}
	}
}

func (g *gpus) Allocate(_ context.Context, request *plugin.AllocateRequest) (*plugin.AllocateResponse, error) {
	response := &plugin.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		visible := map[string]string{"NVIDIA_VISIBLE_DEVICES": strings.Join(container.DevicesIds, ",")}
		response.ContainerResponses = append(response.ContainerResponses, &plugin.ContainerAllocateResponse{Envs: visible})
	}
	return response, nil
}

func main() {
	file := flag.String("file", "", "list of GPUs and their health")
	folder := flag.String("folder", "", "the kubelet's folder of device plugins")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	advertised := &gpus{file: *file, changed: make(chan struct{})}
	for ctx.Err() == nil {
		if err := serve(ctx, advertised, *folder); err != nil {
			log.Print(err)
			time.Sleep(period)
		}
	}
}

// serve offers the GPUs until the context ends or the kubelet has removed the socket.
func serve(ctx context.Context, advertised *gpus, folder string) error {
	if err := advertised.read(); err != nil {
		return err
	}
	name := "local-gpu.sock"
	socket := filepath.Join(folder, name)
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	plugin.RegisterDevicePluginServer(server, advertised)
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	if err := register(ctx, folder, name); err != nil {
		return err
	}
	log.Printf("registered %s", resource)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(period):
		}
		if _, err := os.Stat(socket); err != nil {
			return errors.New("the kubelet started anew")
		}
		if err := advertised.read(); err != nil {
			return err
		}
	}
}

func register(ctx context.Context, folder, name string) error {
	target := "unix://" + filepath.Join(folder, "kubelet.sock")
	connection, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	limited, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request := &plugin.RegisterRequest{Version: plugin.Version, Endpoint: name, ResourceName: resource}
	_, err = plugin.NewRegistrationClient(connection).Register(limited, request)
	return err
}
