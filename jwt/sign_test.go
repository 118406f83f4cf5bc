package jwt

import (
	"bytes"
	"encoding/asn1"
	"math/big"
	"testing"
)

func TestES256SignaturesAlwaysHave64Bytes(t *testing.T) {
	t.Run("JW-17_short_numbers_are_padded_on_the_left", func(t *testing.T) {
		for _, bits := range []uint{0, 7, 8, 100, 247, 248, 254, 255} {
			number := new(big.Int).Lsh(big.NewInt(1), bits)
			der, err := asn1.Marshal(struct{ R, S *big.Int }{number, big.NewInt(5)})
			if err != nil {
				t.Fatal(err)
			}
			got, err := rawES256(der)
			want := append(number.FillBytes(make([]byte, 32)), big.NewInt(5).FillBytes(make([]byte, 32))...)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("2^%d: got %x, %v, want %x", bits, got, err, want)
			}
			again := appendDERInteger(appendDERInteger([]byte{0x30, byte(len(der) - 2)}, got[:32]), got[32:])
			if !bytes.Equal(again, der) {
				t.Errorf("2^%d: got %x, want %x", bits, again, der)
			}
		}
	})
}
