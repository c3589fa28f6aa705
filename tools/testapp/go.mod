module hops.example/tools/testapp

go 1.26
