package outbound

import "testing"

// FuzzReadKeys holds that of whatever an issuer publishes only keys are taken that
// check signatures, and that are public.
func FuzzReadKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp"},{"kty":"oct","k":"AAAA"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA","x5c":["AA"],"x5u":"https://a.example/"}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		keys, err := readKeys(doc)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		for _, key := range keys {
			if !key.Valid() || !key.IsPublic() {
				t.Errorf("a key that is no public one: %v", key.KeyID)
			}
		}
	})
}
