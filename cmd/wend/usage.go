package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wendflow/wend/runtime/diag"
)

// takes holds a command to so many arguments, as its Use shows them; most is -1 for
// any number.
func takes(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		_, shown, _ := strings.Cut(cmd.Use, " ")
		switch n := len(args); {
		case n >= least && (n <= most || most < 0):
			return nil
		case most == 0:
			return fmt.Errorf("%s takes no arguments, and %q is given", pathOf(cmd), args[0])
		case n == 0:
			return fmt.Errorf("%s takes %s, and nothing is given", pathOf(cmd), shown)
		case n < least:
			return fmt.Errorf("%s takes %s, and only %q is given", pathOf(cmd), shown, strings.Join(args, " "))
		default:
			return fmt.Errorf("%s takes %s, and %q is one too many", pathOf(cmd), shown, args[most])
		}
	}
}

// pathOf names a command as it is typed behind "wend".
func pathOf(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// notBoth refuses two flags of a command that are given together. Its Args are set.
func notBoth(cmd *cobra.Command, one, other string) {
	args := cmd.Args
	cmd.Args = func(cmd *cobra.Command, given []string) error {
		if cmd.Flags().Changed(one) && cmd.Flags().Changed(other) {
			return fmt.Errorf("--%s does not go together with --%s: leave one of them out", other, one)
		}
		return args(cmd, given)
	}
}

// wrongFlag says in our words what the library has against a flag.
func wrongFlag(cmd *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	var none *pflag.NotExistError
	var lacks *pflag.ValueRequiredError
	switch {
	case errors.As(err, &value):
		if kind := kindOfFlag(value.GetFlag()); kind != "" {
			return fmt.Errorf("--%s %q: expected %s", value.GetFlag().Name, value.GetValue(), kind)
		}
	case errors.As(err, &none) && none.GetSpecifiedShortnames() == "":
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		name := none.GetSpecifiedName()
		if near := diag.Nearest(name, names); near != "" {
			return fmt.Errorf("%s has no flag --%s; did you mean --%s?", pathOf(cmd), name, near)
		}
		return fmt.Errorf("%s has no flag --%s; %s --help lists those that it has", pathOf(cmd), name, cmd.CommandPath())
	case errors.As(err, &lacks):
		return fmt.Errorf("--%s needs a value behind it: %s", lacks.GetFlag().Name, lacks.GetFlag().Usage)
	}
	return err
}

// kindOfFlag says what a flag takes, "" if its own words say it better.
func kindOfFlag(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "int":
		return "a whole number"
	case "uint64":
		return "a whole number of at least 0"
	case "float64":
		return "a number"
	case "bool":
		return "true or false"
	default:
		return ""
	}
}
