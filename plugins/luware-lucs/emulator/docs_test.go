package emulator_test

import (
	"testing"

	"github.com/wendflow/wend/emulator"
	"github.com/wendflow/wend/emulator/emulatortest"
	lucs "github.com/wendflow/wend/plugins/luware-lucs/emulator"
)

const page = "../../../docs/vendors/luware-lucs.md"

// TestSession types the session of the documentation and compares what is
// printed. UPDATE=1 writes it into the page instead.
func TestSession(t *testing.T) {
	t.Parallel()
	vendor, err := lucs.New(emulator.Config{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	emulatortest.Session(t, page, vendor)
}

func TestPageNamesEverySettingAndFault(t *testing.T) {
	t.Parallel()
	emulatortest.Names(t, page, newSite(t, "").v)
}
