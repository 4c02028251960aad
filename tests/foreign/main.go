// Checks what a Referral Hub publishes with code that is not ours: signed notes, tree hashes, inclusion and consistency
// proofs and tiles are those of golang.org/x/mod/sumdb (note, tlog), which Go's own checksum database uses.
//
//	verify -key VKEY [-witness VKEY]... [-quorum N] BUNDLE.zip | http://HOST/log
//
// Exit 0 when everything holds, 1 when something does not, 2 when the call is wrong. Only the file formats of docs/formats.md
// and the dated line of C2SP tlog-cosignature are read here.
package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height      = 8
	width       = 1 << height
	algEd25519  = 1
	algDated    = 4
	proofHeader = "c2sp.org/tlog-proof@v1"
)

// source gives the bytes of a file of the bundle, or of a path of the server.
type source interface {
	read(name string) ([]byte, error)
	has(name string) bool
}

type bundle struct{ files map[string]*zip.File }

func (b bundle) has(name string) bool { return b.files[name] != nil }

func (b bundle) read(name string) ([]byte, error) {
	file := b.files[name]
	if file == nil {
		return nil, fmt.Errorf("%s is not in the bundle", name)
	}
	opened, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return io.ReadAll(opened)
}

type server struct{ address string }

func (s server) has(string) bool { return false }

func (s server) read(name string) ([]byte, error) {
	answer, err := http.Get(s.address + "/" + name)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", name, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// dated checks the line of a witness: Ed25519 over the note's text under a head that holds the time.
type dated struct {
	name   string
	hash   uint32
	public ed25519.PublicKey
}

func (d dated) Name() string    { return d.name }
func (d dated) KeyHash() uint32 { return d.hash }

func (d dated) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(signature))
	return ed25519.Verify(d.public, append([]byte(head), text...), signature[8:])
}

// witness reads the verifier key of a witness; x/mod knows keys of type 1 only.
func witness(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("a key has three parts")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, err
	}
	if len(key) != 1+ed25519.PublicKeySize || key[0] != algDated {
		return note.NewVerifier(vkey)
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	hash := binary.BigEndian.Uint32(sum[:4])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		return nil, errors.New("the key's hash does not fit")
	}
	return dated{parts[0], hash, ed25519.PublicKey(key[1:])}, nil
}

// trusted is who must have signed.
type trusted struct {
	log       note.Verifier
	witnesses []note.Verifier
	quorum    int
}

type checkpoint struct {
	tree      tlog.Tree
	origin    string
	witnesses int
}

// open verifies a checkpoint: the log's signature, and that enough witnesses cosigned it.
func (t trusted) open(raw []byte) (checkpoint, error) {
	opened, err := note.Open(raw, note.VerifierList(append([]note.Verifier{t.log}, t.witnesses...)...))
	if err != nil {
		return checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	byLog, cosigned := false, 0
	for _, signature := range opened.Sigs {
		if signature.Name == t.log.Name() && signature.Hash == t.log.KeyHash() {
			byLog = true
		} else {
			cosigned++
		}
	}
	if !byLog {
		return checkpoint{}, errors.New("checkpoint: not signed by the log")
	}
	if cosigned < t.quorum {
		return checkpoint{}, fmt.Errorf("checkpoint: %d of %d witnesses", cosigned, t.quorum)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != t.log.Name() {
		return checkpoint{}, errors.New("checkpoint: another log's")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return checkpoint{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return checkpoint{tlog.Tree{N: size, Hash: root}, lines[0], cosigned}, err
}

// tiles reads our tiles for tlog, which checks each against the root before it believes it.
type tiles struct{ from source }

func (t tiles) Height() int                     { return height }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, err := t.from.read(strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		if len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has another length", tile.Path())
		}
		found = append(found, data)
	}
	return found, nil
}

// hashes reads one hash a line, as in `consistency` and in a proof.
func hashes(lines []string) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, line := range lines {
		one, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, nil
}

// proven checks a C2SP tlog-proof for a leaf and returns the checkpoint that it rests on.
func (t trusted) proven(proof string, leaf tlog.Hash) (checkpoint, int64, error) {
	head, signed, cut := strings.Cut(proof, "\n\n")
	lines := strings.Split(head, "\n")
	if !cut || len(lines) < 2 || lines[0] != proofHeader || !strings.HasPrefix(lines[1], "index ") {
		return checkpoint{}, 0, errors.New("no proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return checkpoint{}, 0, err
	}
	path, err := hashes(lines[2:])
	if err != nil {
		return checkpoint{}, 0, err
	}
	under, err := t.open([]byte(signed))
	if err != nil {
		return checkpoint{}, 0, err
	}
	if err := tlog.CheckRecord(path, under.tree.N, under.tree.Hash, index, leaf); err != nil {
		return checkpoint{}, 0, fmt.Errorf("entry %d: %w", index, err)
	}
	return under, index, nil
}

// leaves reads every leaf hash of the tree out of the tiles, and lets tlog compute the root of all of them.
func leaves(tree tlog.Tree, reader tlog.HashReader, use func(first int64, found []tlog.Hash) error) error {
	for first := int64(0); first < tree.N; first += width {
		var wanted []int64
		for i := first; i < tree.N && i < first+width; i++ {
			wanted = append(wanted, tlog.StoredHashIndex(0, i))
		}
		found, err := reader.ReadHashes(wanted)
		if err != nil {
			return err
		}
		if err := use(first, found); err != nil {
			return err
		}
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err == nil && root != tree.Hash {
		err = errors.New("the tiles give another root")
	}
	return err
}

// entries unpacks an entry bundle: two bytes of length before each entry.
func entries(packed []byte) ([][]byte, error) {
	var found [][]byte
	for len(packed) > 0 {
		if len(packed) < 2 || len(packed)-2 < int(binary.BigEndian.Uint16(packed)) {
			return nil, errors.New("an entry bundle ends within an entry")
		}
		length := int(binary.BigEndian.Uint16(packed))
		found = append(found, packed[2:2+length])
		packed = packed[2+length:]
	}
	return found, nil
}

func (t trusted) whole(from source, signed checkpoint) (string, error) {
	reader := tlog.TileHashReader(signed.tree, tiles{from})
	err := leaves(signed.tree, reader, func(first int64, known []tlog.Hash) error {
		tile := tlog.Tile{H: height, L: 0, N: first / width, W: len(known)}
		packed, err := from.read(strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1))
		if err != nil {
			return err
		}
		found, err := entries(packed)
		if err != nil {
			return err
		}
		if len(found) != len(known) {
			return fmt.Errorf("entry bundle %d has %d entries", first/width, len(found))
		}
		for i, entry := range found {
			if tlog.RecordHash(entry) != known[i] {
				return fmt.Errorf("entry %d is not what the tree holds", first+int64(i))
			}
		}
		return nil
	})
	return fmt.Sprintf("%d entries and all tiles", signed.tree.N), err
}

func (t trusted) part(from source, signed checkpoint) (string, error) {
	raw, err := from.read("entries.jsonl")
	if err != nil {
		return "", err
	}
	count := 0
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Entry *string `json:"entry"`
			Bytes []byte  `json:"entry_base64"`
			Proof string  `json:"proof"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return "", err
		}
		entry := line.Bytes
		if line.Entry != nil {
			entry = []byte(*line.Entry)
		}
		under, _, err := t.proven(line.Proof, tlog.RecordHash(entry))
		if err != nil {
			return "", err
		}
		if under.tree != signed.tree {
			return "", errors.New("a proof rests on another checkpoint")
		}
		count++
	}
	return fmt.Sprintf("%d entries with a proof each", count), lines.Err()
}

// served checks the public paths: every leaf hash, proofs of some entries, and that the tree continues smaller ones.
func (t trusted) served(from source, signed checkpoint) (string, error) {
	reader := tlog.TileHashReader(signed.tree, tiles{from})
	var all []tlog.Hash
	err := leaves(signed.tree, reader, func(_ int64, found []tlog.Hash) error {
		all = append(all, found...)
		return nil
	})
	if err != nil {
		return "", err
	}
	for _, index := range []int64{0, signed.tree.N / 3, signed.tree.N - 1} {
		proof, err := from.read(fmt.Sprintf("proof/%d", index))
		if err != nil {
			return "", err
		}
		if _, _, err := t.proven(string(proof), all[index]); err != nil {
			return "", err
		}
	}
	for _, old := range []int64{1, (signed.tree.N + 1) / 2, signed.tree.N} {
		root, err := tlog.TreeHash(old, reader)
		if err != nil {
			return "", err
		}
		raw, err := from.read(fmt.Sprintf("consistency/%d/%d", old, signed.tree.N))
		if err != nil {
			return "", err
		}
		if err := continues(raw, signed.tree, tlog.Tree{N: old, Hash: root}); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d leaf hashes, all tiles, 3 proofs, 3 continuations", len(all)), nil
}

func continues(raw []byte, tree, old tlog.Tree) error {
	proof, err := hashes(strings.Fields(string(raw)))
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return fmt.Errorf("does not continue the tree of %d: %w", old.N, err)
	}
	return nil
}

func (t trusted) check(from source, isServer bool) (string, error) {
	raw, err := from.read("checkpoint")
	if err != nil {
		return "", err
	}
	signed, err := t.open(raw)
	if err != nil {
		return "", err
	}
	look := t.part
	if isServer {
		look = t.served
	} else if !from.has("entries.jsonl") {
		look = t.whole
	}
	said, err := look(from, signed)
	if err != nil {
		return "", err
	}
	if from.has("since") {
		raw, err := from.read("since")
		if err != nil {
			return "", err
		}
		earlier, err := trusted{log: t.log}.open(raw)
		if err != nil {
			return "", err
		}
		proof, err := from.read("consistency")
		if err != nil {
			return "", err
		}
		if err := continues(proof, signed.tree, earlier.tree); err != nil {
			return "", err
		}
		said += fmt.Sprintf("; continues the checkpoint of %d", earlier.tree.N)
	}
	return fmt.Sprintf("%s, %d entries, %d witnesses: %s", signed.origin, signed.tree.N, signed.witnesses, said), nil
}

type list []string

func (l *list) String() string         { return strings.Join(*l, " ") }
func (l *list) Set(value string) error { *l = append(*l, value); return nil }

func run() (int, error) {
	key := flag.String("key", "", "verifier key of the log")
	quorum := flag.Int("quorum", 0, "how many witnesses must have cosigned")
	var witnesses list
	flag.Var(&witnesses, "witness", "verifier key of a witness; may be repeated")
	flag.Parse()
	log, err := note.NewVerifier(*key)
	if err != nil || flag.NArg() != 1 {
		return 2, errors.New("verify -key VKEY [-witness VKEY]... [-quorum N] BUNDLE.zip | http://HOST/log")
	}
	who := trusted{log: log, quorum: *quorum}
	for _, vkey := range witnesses {
		one, err := witness(vkey)
		if err != nil {
			return 2, err
		}
		who.witnesses = append(who.witnesses, one)
	}
	place := flag.Arg(0)
	isServer := strings.HasPrefix(place, "http")
	var from source = server{strings.TrimRight(place, "/")}
	if !isServer {
		archive, err := zip.OpenReader(place)
		if err != nil {
			return 1, err
		}
		defer archive.Close()
		files := map[string]*zip.File{}
		for _, file := range archive.File {
			files[file.Name] = file
		}
		from = bundle{files}
	}
	said, err := who.check(from, isServer)
	if err != nil {
		return 1, err
	}
	fmt.Println(said)
	return 0, nil
}

func main() {
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}
