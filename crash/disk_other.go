//go:build !linux

package main

import (
	"errors"
	"fmt"
)

var errLinux = fmt.Errorf("only on Linux: %w", errors.ErrUnsupported)

func limitWrites(int, int64) error { return errLinux }

func mountSmall(string, int64) (func() error, error) { return nil, errLinux }

func fill(string) error { return errLinux }

func makePipe(string) {}
