module tools.invalid/engine

go 1.26
