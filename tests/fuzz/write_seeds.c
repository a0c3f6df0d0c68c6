/* SPDX-License-Identifier: BSD-2-Clause */

/* Writes one or two good inputs for every fuzz target: write_seeds FOLDER. */

#include <sys/stat.h>
#include <errno.h>

#include "format/config.h"
#include "format/frame.h"
#include "format/object.h"
#include "format/record.h"
#include "format/roll.h"
#include "format/tree.h"
#include "fuzz_support.h"
#include "util/mem.h"

/* Ids in text. */
#define ID16 "0123456789abcdef"
#define ID32 ID16 ID16
#define ID64 ID32 ID32
#define OTHER64 ID32 "ffffffffffffffffffffffffffffffff"

static const char *folder;
static const uint8_t some[8 * 32] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

/* Write and empty `b`: the seed `no` of a target. */
static void
save(struct vrv_buf *b, const char *target, int no)
{
	vrv_auto_free char *dir = vrv_strf("%s/%s", folder, target);
	vrv_auto_free char *path = vrv_strf("%s/%s/%d", folder, target, no);

	fuzz_check(!b->failed && dir != NULL && path != NULL, "memory");
	fuzz_check(mkdir(dir, 0777) == 0 || errno == EEXIST, dir);
	FILE *f = fopen(path, "wb");
	fuzz_check(f != NULL, path);
	fuzz_check(fwrite(b->data, 1, b->len, f) == b->len, path);
	fuzz_check(fclose(f) == 0, path);
	vrv_buf_clear(b);
}

static struct vrv_text
text(const char *s)
{
	return (struct vrv_text){(const uint8_t *)s, strlen(s)};
}

static void
save_objects(struct vrv_buf *b)
{
	static const enum vrv_type types[] = {VRV_CONFIG, VRV_PACK, VRV_INDEX,
	    VRV_KEY_SLOT};

	for (int i = 0; i < 4; i++) {
		struct vrv_name name = {.type = types[i],
		    .generation = 7,
		    .suffix = 'd'};
		struct vrv_header header = {.type = types[i]};
		char printed[VRV_NAME_SIZE];

		memcpy(name.id, some, VRV_OBJECT_ID);
		memcpy(header.id, some, VRV_OBJECT_ID);
		vrv_name_print(&name, printed);
		vrv_buf_bytes(b, printed, strlen(printed));
		save(b, "name", i);
		vrv_header_put(b, &header);
		vrv_trailer_put(b);
		save(b, "object", i);
	}
}

static void
put_pack(struct vrv_buf *b)
{
	static const struct vrv_pack_key keys[2] = {{0, 0, {1}}, {0, 0, {2}}};
	static const struct vrv_pack_frame frames[2] = {
	    {.kind = VRV_FRAME_DATA,
		.offset = 64,
		.stored = 500,
		.plain = 900,
		.n = 3,
		.ids = some},
	    {.kind = VRV_FRAME_META,
		.key = 1,
		.offset = 600,
		.stored = 200,
		.plain = 300,
		.n = 1,
		.ids = some,
		.m = 2,
		.bases = some},
	};

	/* Of a kind that this version does not know: key, gap, stored, plain,
	 * n, one id, and what only that kind has. */
	static const uint8_t later[] = {9, 0, 1, 10, 50, 1, 'l', 'a', 't', 'e',
	    'r', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 77, 78};

	vrv_pack_entry_put(b, some, 1000, keys, 2, 3);
	vrv_pack_frame_put(b, &frames[0], VRV_HEADER_SIZE);
	vrv_pack_frame_put(b, &frames[1], 564);
	vrv_buf_vbytes(b, later, sizeof(later));
	vrv_pack_entry_end_put(b);
}

static void
save_packs(struct vrv_buf *b)
{
	static const uint32_t lengths[] = {100, 3, 40};
	struct vrv_frame_head head = {.codec = VRV_FRAME_ZSTD,
	    .n = 3,
	    .m = 2,
	    .lengths = lengths,
	    .bases = some};
	uint8_t footer[VRV_FOOTER_PLAIN];

	vrv_frame_head_put(b, &head);
	vrv_buf_bytes(b, some, 60);
	save(b, "frame", 0);
	head.codec = VRV_FRAME_STORED;
	head.m = 0;
	vrv_frame_head_put(b, &head);
	vrv_buf_bytes(b, some, 143);
	save(b, "frame", 1);

	put_pack(b);
	save(b, "pack_entry", 0);
	vrv_index_head_put(b, some, 2, 2);
	put_pack(b);
	put_pack(b);
	vrv_index_lost_put(b, some, 2);
	save(b, "index", 0);
	vrv_index_head_put(b, some, 2, 1);
	put_pack(b);
	vrv_index_lost_put(b, some, 2);
	save(b, "index_lookup", 0);
	struct vrv_pack_sum sum = {.length = 1000};
	memcpy(sum.pack, some, VRV_OBJECT_ID);
	memcpy(sum.hash, some, VRV_PACK_HASH);
	vrv_index_clear_put(b, &sum, 1);
	vrv_index_head_put(b, some, 2, 1);
	put_pack(b);
	vrv_index_lost_put(b, some, 2);
	save(b, "index_clear", 0);

	vrv_footer_put(footer, 4096, 300);
	vrv_buf_bytes(b, footer, sizeof(footer));
	save(b, "footer", 0);
}

static void
put_extents(struct vrv_buf *b)
{
	struct vrv_extent extent = {.length = 65536};

	memcpy(extent.id, some, VRV_CHUNK_ID);
	vrv_extent_put(b, &extent);
	extent.hole = true;
	vrv_extent_put(b, &extent);
}

static void
put_xattrs(struct vrv_buf *b)
{
	static const struct vrv_entry_xattr xattrs[] = {
	    {.name = (const uint8_t *)"user.a",
		.name_n = 6,
		.value = some,
		.size = 9},
	    {.name = (const uint8_t *)"user.b", .name_n = 6, .size = 9000},
	};

	vrv_buf_v(b, 2);
	vrv_xattr_put(b, &xattrs[0]);
	vrv_xattr_put(b, &xattrs[1]);
}

/* A file with all that it can have. */
static void
put_file(struct vrv_buf *b, const char *name)
{
	vrv_auto_buf struct vrv_buf extents = {0}, content = {0}, xattrs = {0},
				    extensions = {0};
	struct vrv_entry e = {
	    .kind = 1,
	    .flags = VRV_ENTRY_BTIME | VRV_ENTRY_XATTRS | VRV_ENTRY_IFLAGS |
		VRV_ENTRY_LINKED | VRV_ENTRY_EXTENSIONS | VRV_ENTRY_ATIME,
	    .name = (const uint8_t *)name,
	    .name_n = strlen(name),
	    .mode = 0644,
	    .uid = 1000,
	    .gid = 1000,
	    .inode = 123456,
	    .mtime = {1700000000, 5},
	    .ctime = {1700000000, 6},
	    .btime = {-1, 7},
	    .size = 131072,
	    .iflags = 16,
	};

	put_extents(&extents);
	vrv_content_put_inline(&content, 2, extents.data, extents.len);
	put_xattrs(&xattrs);
	vrv_buf_v(&extensions, 1);
	vrv_extension_put(&extensions, VRV_EXT_PROJECT, "\x07", 1);
	e.content = content.data;
	e.content_n = content.len;
	e.xattrs = xattrs.data;
	e.xattrs_n = xattrs.len;
	e.extensions = extensions.data;
	e.extensions_n = extensions.len;
	vrv_entry_put(b, &e);
}

static void
put_plain(struct vrv_buf *b, uint8_t kind, const char *name)
{
	vrv_auto_buf struct vrv_buf content = {0};
	struct vrv_ref ref = {.depth = 1};
	struct vrv_entry e = {.kind = kind,
	    .name = (const uint8_t *)name,
	    .name_n = strlen(name),
	    .mode = 0700,
	    .major = 8,
	    .minor = 1,
	    .dir = ref,
	    .target = some,
	    .target_n = 9,
	    .size = 1 << 30};

	vrv_content_put_ref(&content, &ref);
	e.content = content.data;
	e.content_n = content.len;
	vrv_entry_put(b, &e);
}

static void
save_entries(struct vrv_buf *b)
{
	static const char *const names[] = {"", "a", "b", "c", "d", "e", "f",
	    "g"};

	put_file(b, "a file");
	save(b, "entry", 0);
	for (uint8_t kind = 1; kind <= 7; kind++) {
		put_plain(b, kind, names[kind]);
		save(b, "entry", kind);
	}
	put_plain(b, 2, ".");
	save(b, "entry", 8);

	vrv_leaf_put(b, VRV_META_TREE_LEAF, 8);
	put_file(b, "A file");
	for (uint8_t kind = 1; kind <= 7; kind++)
		put_plain(b, kind, names[kind]);
	save(b, "tree_leaf", 0);
}

static void
save_meta(struct vrv_buf *b)
{
	struct vrv_tree_child tree = {.first = (const uint8_t *)"first",
	    .first_n = 5,
	    .entries = 300};
	struct vrv_list_child list = {.bytes = 1 << 20};

	vrv_leaf_put(b, VRV_META_LIST_LEAF, 4);
	put_extents(b);
	put_extents(b);
	save(b, "list_leaf", 0);
	vrv_node_put(b, VRV_META_TREE_NODE, 1, 2);
	vrv_tree_child_put(b, &tree);
	vrv_tree_child_put(b, &tree);
	save(b, "tree_node", 0);
	vrv_node_put(b, VRV_META_LIST_NODE, 2, 2);
	vrv_list_child_put(b, &list);
	vrv_list_child_put(b, &list);
	save(b, "list_node", 0);

	vrv_buf_u8(b, VRV_META_PATHS);
	vrv_path_put(b, VRV_SKIP_VANISHED, "a/b", 3);
	vrv_path_put(b, VRV_SKIP_OTHER, "c", 1);
	save(b, "paths", 0);
	vrv_buf_u8(b, VRV_META_NAMES);
	vrv_owner_put(b, false, 0, "root");
	vrv_owner_put(b, true, 100000, "staff");
	save(b, "owners", 0);
}

static void
save_archives(struct vrv_buf *b)
{
	vrv_auto_buf struct vrv_buf root = {0};
	struct vrv_text words[] = {text("one"), text("two")};
	struct vrv_archive_clear clear = {.flags = VRV_ARCHIVE_WARNINGS,
	    .revision = 1,
	    .end = 1700000000,
	    .n_previous = 2};
	struct vrv_archive_sealed a = {.name = text("name"),
	    .series = text("series"),
	    .host = text("host")};

	vrv_archive_clear_put(b, &clear);
	save(b, "archive_clear", 0);
	vrv_archive_sealed_put(b, &a);
	save(b, "archive_sealed", 0);

	put_plain(&root, 2, ".");
	a.root_entry = (struct vrv_text){root.data, root.len};
	a.comment = a.user = a.cwd = a.options = a.software = text("text");
	a.tags = a.args = words;
	a.n_tags = a.n_args = 2;
	a.has_skipped = a.has_owners = a.has_parent = a.has_origin = true;
	a.utc_offset = -7200;
	vrv_archive_sealed_put(b, &a);
	vrv_buf_v(b, 33); /* of a later version */
	vrv_buf_str(b, "later");
	save(b, "archive_sealed", 1);
}

static void
save_records(struct vrv_buf *b)
{
	static const struct vrv_buried buried[] = {{{1}, 4}, {{2}, 5}};
	static const struct vrv_condemned objects[] = {{VRV_PACK, {1}},
	    {VRV_INDEX, {2}}};
	struct vrv_intent_sealed intent = {.has_root = true,
	    .n_ids = 2,
	    .ids = some};
	struct vrv_condemn condemn = {.time = 1700000000,
	    .reason = VRV_REASON_THIN,
	    .n = 2,
	    .objects = objects,
	    .n_successors = 1,
	    .successors = some};

	vrv_intent_sealed_put(b, &intent);
	save(b, "intent", 0);
	vrv_tombstone_put(b, 1700000000, buried, 2);
	save(b, "tombstone", 0);
	vrv_condemn_put(b, &condemn);
	save(b, "condemn", 0);
}

static void
save_roll(struct vrv_buf *b)
{
	static const struct vrv_roll_entry entries[] =
	    {{.type = VRV_INDEX, .object = {1}, .first_seen = 1700000000},
		{.type = VRV_ARCHIVE, .object = {2}, .logical = {3}},
		{.type = VRV_ARCHIVE,
		    .object = {4},
		    .logical = {5},
		    .revision = 1,
		    .deleted = true}};
	struct vrv_roll_facts facts = {.clear = {some, 5},
	    .list = text("list")};
	vrv_auto_buf struct vrv_buf list = {0};

	for (int i = 0; i < 3; i++)
		vrv_roll_entry_put(&list, &entries[i]);
	struct vrv_roll roll = {.n_superseded = 1,
	    .superseded = some,
	    .n_dead = 1,
	    .dead = some,
	    .n = 3,
	    .entries = list.data};
	vrv_roll_put(b, &roll);
	vrv_roll_facts_put(b, &facts);
	save(b, "roll", 0);
}

static void
save_keys(struct vrv_buf *b)
{
	struct vrv_config_pair pair = {0};
	uint8_t admin[1][32] = {{5}};
	uint8_t slots[2][VRV_OBJECT_ID] = {{1}, {2}};
	/* Of a later version: an admin of suite 2, a value 17. */
	static const uint8_t later[40 + 10] =
	    {[40] = VRV_C_ADMIN, 5, 2, 2, 0, 1, 2, 17, 1, 9};
	struct vrv_member member = {.rights = VRV_RIGHT_WRITE,
	    .label = text("sealed"),
	    .more = text("\3\1x")};
	struct vrv_config config = {.generation = 1,
	    .pairs = &pair,
	    .admins = admin,
	    .members = &member,
	    .n_pairs = 1,
	    .n_admins = 1,
	    .n_members = 1,
	    .chunk_method = 1,
	    .slots = slots,
	    .n_slots = 2,
	    .body = {later, sizeof(later)},
	    .chunk_min = 1 << 18,
	    .chunk_average = 1 << 20,
	    .chunk_max = 4 << 20,
	    .grace = 86400,
	    .min_age = 172800};
	struct vrv_slot slot = {.kdf = VRV_KDF_ARGON2ID,
	    .passes = 3,
	    .memory = VRV_ARGON_MEMORY_MIN,
	    .label = text("label")};
	static const struct vrv_ring_key ring[3] = {{0, 0, 0, 0, 32, some},
	    {73, 1, 0, 0, 32, some + 1}, {250, 2, 1, 2, 5, some}};

	vrv_config_put(b, &config);
	save(b, "config", 0);
	vrv_slot_put_clear(b, &slot);
	save(b, "slot", 0);
	vrv_keyring_put(b, ring, 3);
	save(b, "keyring", 0);
}

/* --- above src/format --- */

/* What a frame holds before it is sealed; the first byte says how to take it.
 */
static void
save_sealed_frames(struct vrv_buf *b)
{
	static const uint32_t lengths[] = {100, 3, 40};
	struct vrv_frame_head head = {.codec = VRV_FRAME_STORED,
	    .n = 3,
	    .lengths = lengths};

	for (uint8_t raw = 0; raw < 2; raw++) {
		vrv_buf_u8(b, raw);
		vrv_frame_head_put(b, &head);
		vrv_buf_bytes(b, some, 143);
		save(b, "sealed_frame", raw);
	}
	/* An empty block of zstd: magic, one segment, last block. */
	static const uint8_t nothing[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x04,
	    0x21, 0x00, 0x00, 'a', 'b', 'c', 'd'};
	static const uint32_t four[] = {4};
	head = (struct vrv_frame_head){.codec = VRV_FRAME_ZSTD,
	    .n = 1,
	    .m = 1,
	    .lengths = four,
	    .bases = some};
	vrv_buf_u8(b, 0);
	vrv_frame_head_put(b, &head);
	vrv_buf_bytes(b, nothing, sizeof(nothing));
	save(b, "sealed_frame", 2);
}

/* Append `chunk` behind its length, and empty it. */
static void
put_chunk(struct vrv_buf *b, struct vrv_buf *chunk)
{
	fuzz_check(!chunk->failed, "memory");
	vrv_buf_u16(b, (uint16_t)chunk->len);
	vrv_buf_bytes(b, chunk->data, chunk->len);
	vrv_buf_clear(chunk);
}

static void
put_dir(struct vrv_buf *b, const char *name, uint8_t chunk)
{
	struct vrv_entry dir = {.kind = 2,
	    .name = (const uint8_t *)name,
	    .name_n = strlen(name),
	    .dir = {.id = {chunk}}};

	vrv_entry_put(b, &dir);
}

/* A node over two leaves, whose directories lead to a third and, from the
 * second seed on, back to the first: no hash allows that, but a bug might. */
static void
save_walks(struct vrv_buf *b)
{
	vrv_auto_buf struct vrv_buf chunk = {0};

	for (uint8_t no = 0; no < 2; no++) {
		struct vrv_tree_child left = {.first = (const uint8_t *)"a",
		    .first_n = 1,
		    .id = {1},
		    .entries = 2};
		struct vrv_tree_child right = {.first = (const uint8_t *)"c",
		    .first_n = 1,
		    .id = {2},
		    .entries = 1};

		vrv_buf_u8(b, 1);
		vrv_node_put(&chunk, VRV_META_TREE_NODE, 1, 2);
		vrv_tree_child_put(&chunk, &left);
		vrv_tree_child_put(&chunk, &right);
		put_chunk(b, &chunk);
		vrv_leaf_put(&chunk, VRV_META_TREE_LEAF, 2);
		put_dir(&chunk, "a", 3);
		put_plain(&chunk, 4, "b");
		put_chunk(b, &chunk);
		vrv_leaf_put(&chunk, VRV_META_TREE_LEAF, 1);
		put_dir(&chunk, "c", no == 0 ? 3 : 1);
		put_chunk(b, &chunk);
		vrv_leaf_put(&chunk, VRV_META_TREE_LEAF, 1);
		put_plain(&chunk, 5, "d");
		put_chunk(b, &chunk);
		save(b, "walk", no);
	}
}

static void
save_states(struct vrv_buf *b)
{
	static const char *const texts[] = {
	    "\1varve-state 2\nrepository " ID64 " admin " ID64
	    "\nconfig 3 " ID64 "\nplace /srv/backup\nplace r\narchive " ID16
	    " " ID32 " " ID64 " 1\narchive " ID16 " " ID32 " " OTHER64
	    " 0 buried " ID32 "\n",
	    "0varve-state 1\nlocation x\nrepository " ID64 " admin " ID64
	    "\nconfig 0 " ID32 "\narchive " ID16 " " ID64 " 2\nend\n",
	};

	for (int i = 0; i < 2; i++) {
		vrv_buf_bytes(b, texts[i], strlen(texts[i]));
		if (i == 1 && !b->failed)
			b->data[0] = 0; /* as it is: it has no sum */
		save(b, "state", i);
	}
}

static void
save_key_texts(struct vrv_buf *b)
{
	static const char text_of_one[] =
	    "VARVE KEY 1 " ID64 "\n00\nEND 03170a2e7597b7b7\n";
	struct vrv_header header = {.type = VRV_KEY_SLOT};
	struct vrv_slot slot = {.kdf = VRV_KDF_ARGON2ID,
	    .passes = 3,
	    .memory = VRV_ARGON_MEMORY_MIN,
	    .label = text("label")};
	vrv_auto_buf struct vrv_buf object = {0};

	vrv_header_put(&object, &header);
	vrv_slot_put_clear(&object, &slot);
	vrv_buf_bytes(&object, some, sizeof(some));
	vrv_trailer_put(&object);
	vrv_buf_u8(b, 0);
	vrv_buf_bytes(b, object.data, object.len);
	save(b, "key_text", 0);
	vrv_buf_bytes(b, text_of_one, sizeof(text_of_one) - 1);
	save(b, "key_text", 1);
}

/* Laid out as they must be; no seed could be signed for what follows it. */
static void
save_signatures(struct vrv_buf *b)
{
	for (int i = 0; i < 2; i++) {
		vrv_buf_bytes(b, some, 64);
		size_t start = b->len;
		if (i == 1) {
			vrv_buf_u8(b, 2);
			vrv_buf_u16(b, 5);
			vrv_buf_bytes(b, ID16, 5);
		}
		vrv_buf_u8(b, 1);
		vrv_buf_u16(b, 96);
		vrv_buf_bytes(b, ID64 ID32, 96);
		vrv_buf_u32(b, (uint32_t)(b->len - start));
		save(b, "signature", i);
	}
}

int
main(int argc, char **argv)
{
	vrv_auto_buf struct vrv_buf b = {0};

	if (argc != 2)
		return EXIT_FAILURE;
	folder = argv[1];
	save_objects(&b);
	save_signatures(&b);
	save_packs(&b);
	save_entries(&b);
	save_meta(&b);
	save_archives(&b);
	save_records(&b);
	save_roll(&b);
	save_keys(&b);
	save_sealed_frames(&b);
	save_walks(&b);
	save_states(&b);
	save_key_texts(&b);
	return EXIT_SUCCESS;
}
