"""Speed of the whole thing, measured on real runs: `make bench`, or `python -m bench [PART …] [--runs N] [--json]`.

    plan      fleet.plan for 50 clusters × 20 models in a fresh process: at most 1 s and 200 MB
    preview   `pulumi preview` of the local stack beside a bare program that registers the same objects, written out, and a
              small ConfigMap for each component: at most 1.5 × as long. The same engine, the real Kubernetes provider and
              real control planes behind both. Another one of ConfigMaps only is shown: it does less in the provider
    aws       the same of ten AWS regions with six models each, all providers played by stand-ins: at most 1.5 × as long, and at
              most 1 GB of memory in the program's process; looking something up fails it. The plan alone is shown. Two runs
    gcp       likewise of ten Google regions
    mixed     likewise of five and five
    start     one small region of each kind of stack under Pulumi's mocks, from an interpreter's start until all is registered, beside
              AWS alone: time and memory are shown; another cloud's SDK in the process fails it
    pure      that tier of the tests as a whole process: at most 5 s
    mocks     likewise: at most 30 s
    commands  `python -m fleet size` and `plan`, beside an interpreter that does nothing: shown; `size` from a cold shell: at
              most 0.4 s; one model over the whole catalogue in process: at most 0.1 s
    pods      `make local` with real nodes, from tools present to an answer of each model in each region: at most 3 minutes, and
              at most 4 GB of memory; once

Each line shows the fastest run and the median; the median is judged. A first run of everything warms up and is not counted.
Runs that are compared take turns, so that a busy machine slows both. Exit status: 0 within every limit, 1 over one or not
measurable, 2 wrong arguments.
"""
