// The kubelet of one node of the local target: the real one, told its settings by flags of ours and a machine of the size
// that the node stands for. Requests of production pods would not fit the machine this runs on; requests are weights
// between pods, and what the node really has is all of them together.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	cadvisorapi "github.com/google/cadvisor/info/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/cmd/kubelet/app"
	"k8s.io/kubernetes/cmd/kubelet/app/options"
	"k8s.io/kubernetes/pkg/kubelet/cadvisor"
)

const (
	statusPeriod  = 10 * time.Second
	leaseSeconds  = 20
	imagePullsQPS = 0 // no limit: there is no registry
)

type settings struct {
	node, address, root, kubeconfig, socket, cgroup, dns, clientCA, taint string
	port, vcpus, memoryGiB, pods                                         int
}

// sized says that the machine has the CPUs and memory of the machines that the node stands for.
type sized struct {
	cadvisor.Interface
	vcpus, memoryGiB int
}

func (machine sized) MachineInfo() (*cadvisorapi.MachineInfo, error) {
	info, err := machine.Interface.MachineInfo()
	if err != nil {
		return nil, err
	}
	told := *info
	told.NumCores = machine.vcpus
	told.MemoryCapacity = uint64(machine.memoryGiB) << 30
	return &told, nil
}

func main() {
	klog.InitFlags(nil)
	var given settings
	flag.StringVar(&given.node, "node", "", "name of the Node object")
	flag.StringVar(&given.address, "address", "", "IPv4 address of the node")
	flag.IntVar(&given.port, "port", 0, "port of the kubelet's own server")
	flag.StringVar(&given.root, "root", "", "folder of pods, plugins and certificates")
	flag.StringVar(&given.kubeconfig, "kubeconfig", "", "how the API server is reached")
	flag.StringVar(&given.socket, "socket", "", "socket of the container runtime")
	flag.StringVar(&given.cgroup, "cgroup", "", "existing control group under which pods run")
	flag.StringVar(&given.dns, "dns", "", "address of the cluster's DNS service")
	flag.StringVar(&given.clientCA, "client-ca", "", "certificate of the API server's client certificate authority")
	flag.StringVar(&given.taint, "taint", "", "taint to register with, key=value:effect")
	flag.IntVar(&given.vcpus, "vcpus", 0, "CPUs of the machine that the node stands for")
	flag.IntVar(&given.memoryGiB, "memory-gib", 0, "memory of the machine that the node stands for")
	flag.IntVar(&given.pods, "pods", 110, "most pods")
	flag.Parse()
	if err := run(given); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(given settings) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	server, err := configured(given)
	if err != nil {
		return err
	}
	gates := utilfeature.DefaultFeatureGate
	dependencies, err := app.UnsecuredDependencies(ctx, server, gates)
	if err != nil {
		return err
	}
	endpoint := server.ContainerRuntimeEndpoint
	real, err := cadvisor.New(
		klog.FromContext(ctx), cadvisor.NewImageFsInfoProvider(endpoint), given.root, []string{filepath.Join(given.cgroup, "kubepods")},
		cadvisor.UsingLegacyCadvisorStats(endpoint), server.LocalStorageCapacityIsolation)
	if err != nil {
		return err
	}
	dependencies.CAdvisorInterface = sized{Interface: real, vcpus: given.vcpus, memoryGiB: given.memoryGiB}
	return app.Run(ctx, server, dependencies, gates)
}

func configured(given settings) (*options.KubeletServer, error) {
	flags := options.NewKubeletFlags()
	flags.KubeConfig = given.kubeconfig
	flags.HostnameOverride = given.node
	flags.NodeIP = given.address
	flags.RootDirectory = given.root
	flags.CertDirectory = filepath.Join(given.root, "pki")
	config, err := options.NewKubeletConfiguration()
	if err != nil {
		return nil, err
	}
	config.Address = given.address
	config.Port = int32(given.port)
	config.ReadOnlyPort = 0
	config.HealthzPort = 0
	config.Authentication.Anonymous.Enabled = false
	config.Authentication.Webhook.Enabled = false
	config.Authentication.X509.ClientCAFile = given.clientCA
	config.Authorization.Mode = "AlwaysAllow"
	config.ContainerRuntimeEndpoint = "unix://" + given.socket
	config.CgroupDriver = "cgroupfs"
	config.CgroupRoot = given.cgroup
	config.FailCgroupV1 = false
	config.FailSwapOn = false
	config.EnforceNodeAllocatable = nil
	config.EvictionHard = map[string]string{} // the machine's own disk and memory are shared with everything else on it
	config.ClusterDNS = []string{given.dns}
	config.ClusterDomain = "cluster.local"
	config.ResolverConfig = "" // pods know the cluster's names only
	config.MaxPods = int32(given.pods)
	config.NodeStatusUpdateFrequency = metav1.Duration{Duration: statusPeriod}
	config.NodeStatusReportFrequency = metav1.Duration{Duration: statusPeriod}
	config.NodeLeaseDurationSeconds = leaseSeconds
	config.RegistryPullQPS = imagePullsQPS
	config.SerializeImagePulls = false
	config.ImageGCHighThresholdPercent = 100 // nothing could bring an image back
	config.ImageGCLowThresholdPercent = 99
	config.EnableProfilingHandler = false
	config.PodLogsDir = filepath.Join(given.root, "logs")
	config.VolumePluginDir = filepath.Join(given.root, "volume-plugins")
	if given.taint != "" {
		taint, err := parseTaint(given.taint)
		if err != nil {
			return nil, err
		}
		config.RegisterWithTaints = []v1.Taint{taint}
	}
	return &options.KubeletServer{KubeletFlags: *flags, KubeletConfiguration: *config}, nil
}

func parseTaint(text string) (v1.Taint, error) {
	keyValue, effect, found := strings.Cut(text, ":")
	key, value, alsoFound := strings.Cut(keyValue, "=")
	if !found || !alsoFound {
		return v1.Taint{}, fmt.Errorf("taint %q is not key=value:effect", text)
	}
	return v1.Taint{Key: key, Value: value, Effect: v1.TaintEffect(effect)}, nil
}
