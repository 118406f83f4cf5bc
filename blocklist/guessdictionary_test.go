package blocklist

import (
	"encoding/binary"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/trustelem/zxcvbn/frequency"
)

// rankedWords are the dictionaries of zxcvbn as one: a word has the best of its
// ranks.
func rankedWords() map[string]int {
	words := map[string]int{}
	for _, dictionary := range frequency.FrequencyLists {
		for i, word := range dictionary {
			if rank, known := words[word]; !known || i+1 < rank {
				words[word] = i + 1
			}
		}
	}
	return words
}

func TestTheDictionaryInTheBinaryIsThatOfZxcvbn(t *testing.T) {
	ranks := rankedWords()
	sorted := slices.Sorted(maps.Keys(ranks))
	made := binary.LittleEndian.AppendUint32(nil, uint32(len(sorted)))
	end := 0
	for _, word := range sorted {
		end += len(word)
		made = binary.LittleEndian.AppendUint32(made, uint32(end))
	}
	for _, word := range sorted {
		if ranks[word] >= 1<<16 || foldASCII(word) != word {
			t.Errorf("%q with rank %d has no place in the file", word, ranks[word])
		}
		made = binary.LittleEndian.AppendUint16(made, uint16(ranks[word]))
	}
	for _, word := range sorted {
		made = append(made, word...)
	}
	if *update {
		if err := os.WriteFile("ranked.words", made, 0o644); err != nil {
			t.Fatal(err)
		}
		return // the one in this binary is still the old one
	}
	if string(made) != ranked {
		t.Fatal("ranked.words differs from what zxcvbn has; run go test ./blocklist -update and say why in the commit")
	}
	d := dictionary(ranked)
	if d.size() != len(sorted) {
		t.Fatalf("%d words are read of %d", d.size(), len(sorted))
	}
	for i, word := range sorted {
		if d.word(i) != word || d.rank(i) != ranks[word] {
			t.Fatalf("word %d is read as %q with rank %d, want %q with %d", i, d.word(i), d.rank(i), word, ranks[word])
		}
	}
}
