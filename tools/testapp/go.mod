module hops/testapp

go 1.26
