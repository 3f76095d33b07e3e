"""qdrant-edge, LanceDB and milvus-lite behind the door of collection_engines.py, by their documented calls.

Each is given what it takes best: qdrant-edge and milvus-lite BM25 as sparse vectors of the same weights, LanceDB the
texts for its own full-text index. Graphs are as deep as each has them by default. Passages' texts and the filter's
number are stored by all.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from collection_engines import MODES, WIDTHS, ByHand, Engine, Vizsla, VizslaFlat, VizslaResults
from collection_given import ALLOWED, BATCH, DEPTH, K_FUSED, WHERE, Given


class QdrantEdge:
    """HNSW over float vectors, sparse vectors in its inverted index, fusion of its own."""

    module, modes, steps = "qdrant_edge", (*MODES, "filtered-dense"), WIDTHS

    @staticmethod
    def build(given: Given, folder: Path) -> None:
        import qdrant_edge as q

        folder.mkdir(parents=True)
        dense = q.EdgeVectorParams(size=given.dense.shape[1], distance=q.Distance.Dot)
        config = q.EdgeConfig(
            vectors={"dense": dense},
            sparse_vectors={kind: q.EdgeSparseVectorParams() for kind in given.weighted},
            hnsw_config=q.HnswIndexConfig(m=16, ef_construct=100, full_scan_threshold=10_000, max_indexing_threads=1),
            optimizers=q.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1000),
            max_search_threads=1,
        )
        shard = q.EdgeShard.create(str(folder), config)
        shard.update(q.UpdateOperation.create_field_index("draw", q.PayloadSchemaType.Integer))
        for batch in given.passages():
            points = [_point(given, one) for one in batch]
            shard.update(q.UpdateOperation.upsert_points(points))
        while shard.optimize():
            pass
        shard.flush()
        shard.close()

    def __init__(self, given: Given, folder: Path) -> None:
        import qdrant_edge as q

        self._q, self._given, self._shard = q, given, q.EdgeShard.load(str(folder))
        self._dense = [one.tolist() for one in given.asked_dense]
        self._sparse = {
            kind: [
                q.SparseVector(*(part.tolist() for part in given.row(kind, row, asked=True)))
                for row in range(len(given.queries))
            ]
            for kind in given.weighted
        }
        self._filter = q.Filter(must=[q.FieldCondition(key="draw", range=q.RangeFloat(lt=ALLOWED))])

    def search(self, mode: str, row: int, k: int, effort: float) -> list[Any]:
        q = self._q
        kept = self._filter if mode.startswith("filtered") else None
        params = q.SearchParams(hnsw_ef=int(effort))
        nearest = {"dense": q.Query.Nearest(self._dense[row], using="dense")}
        nearest |= {kind: q.Query.Nearest(rows[row], using=kind) for kind, rows in self._sparse.items()}
        if mode in ("hybrid", "filtered"):
            bases = [
                q.Prefetch(limit=DEPTH, query=nearest[kind], params=params, filter=kept)
                for kind in ("lexical", "dense")
            ]
            request = q.QueryRequest(limit=k, query=q.Fusion.Rrf(k=K_FUSED + 1), prefetches=bases)  # it counts from 0
        else:
            query = nearest[mode.removeprefix("filtered-")]
            request = q.QueryRequest(limit=k, query=query, params=params, filter=kept)
        return [one.id for one in self._shard.query(request)]


def _point(given: Given, one: dict[str, Any]) -> Any:
    import qdrant_edge as q

    row = int(one["id"])
    vectors: dict[str, Any] = {"dense": given.dense[row].tolist()}
    for kind in given.weighted:
        columns, weights = given.row(kind, row)
        if len(columns):
            vectors[kind] = q.SparseVector(columns.tolist(), weights.tolist())
    payload = {"title": one["title"], "text": one["text"], **one["metadata"]}
    return q.Point(id=row, vector=vectors, payload=payload)


class LanceDB:
    """IVF of one part with HNSW over 8-bit codes, rescored; its own BM25 over the texts; it has no sparse vectors."""

    module, steps = "lancedb", WIDTHS
    modes = ("lexical", "dense", "hybrid", "filtered", "filtered-dense")

    @staticmethod
    def build(given: Given, folder: Path) -> None:
        import lancedb
        from lancedb.index import FTS, BTree, HnswSq

        def rows(batch: list[dict[str, Any]]) -> Any:
            import pyarrow as pa

            first, last = int(batch[0]["id"]), int(batch[-1]["id"]) + 1
            flat = pa.array(np.ascontiguousarray(given.dense[first:last]).ravel())
            return pa.table(
                {
                    "id": pa.array(range(first, last), pa.int64()),
                    "text": [f"{one['title']}\n{one['text']}" for one in batch],
                    "draw": [one["metadata"]["draw"] for one in batch],
                    "set": [one["metadata"]["set"] for one in batch],
                    "dense": pa.FixedSizeListArray.from_arrays(flat, given.dense.shape[1]),
                }
            )

        batches = given.passages()
        table = lancedb.connect(str(folder)).create_table("passages", rows(next(batches)))
        for batch in batches:
            table.add(rows(batch))
        table.create_index("text", config=FTS(with_position=False))
        table.create_index("draw", config=BTree())
        table.create_index("dense", config=HnswSq(distance_type="dot", num_partitions=1))
        table.optimize()

    def __init__(self, given: Given, folder: Path) -> None:
        import lancedb
        from lancedb.rerankers import RRFReranker

        self._given, self._table = given, lancedb.connect(str(folder)).open_table("passages")
        self._fused = RRFReranker(K=K_FUSED)
        self._asked = np.asarray(given.asked_dense)

    def search(self, mode: str, row: int, k: int, effort: float) -> list[Any]:
        if mode == "lexical":
            asked = self._table.search(self._given.queries[row], query_type="fts", fts_columns="text").limit(k)
        elif mode.endswith("dense"):
            asked = self._wide(self._table.search(self._asked[row], vector_column_name="dense"), effort, k).limit(k)
        else:
            asked = self._table.search(query_type="hybrid", vector_column_name="dense", fts_columns="text")
            asked = asked.vector(self._asked[row]).text(self._given.queries[row]).limit(DEPTH)
            asked = self._wide(asked, effort, DEPTH).rerank(self._fused)
        if mode.startswith("filtered"):
            asked = asked.where(WHERE)
        found: list[int] = asked.select(["id"]).to_arrow()["id"].to_pylist()
        return found[:k]

    @staticmethod
    def _wide(asked: Any, effort: float, k: int) -> Any:
        """So many are looked at; twice the wanted are rescored by their whole vectors."""
        return asked.ef(max(int(effort), 2 * k)).refine_factor(2)


class MilvusLite:
    """FAISS's HNSW a segment, sparse vectors by inner product, fusion of its own, through its client."""

    module, modes, steps = "milvus_lite", (*MODES, "filtered-dense"), WIDTHS

    @staticmethod
    def build(given: Given, folder: Path) -> None:
        from pymilvus import DataType

        client = _client(folder)
        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("text", DataType.VARCHAR, max_length=65_535)
        schema.add_field("draw", DataType.INT64)
        schema.add_field("dense", DataType.FLOAT_VECTOR, dim=given.dense.shape[1])
        indexes = client.prepare_index_params()
        graph = {"M": 16, "efConstruction": 200}
        indexes.add_index("dense", index_type="HNSW", metric_type="IP", params=graph)
        for kind in given.weighted:
            schema.add_field(kind, DataType.SPARSE_FLOAT_VECTOR)
            indexes.add_index(kind, index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
        client.create_collection("passages", schema=schema, index_params=indexes)
        for batch in given.passages():
            for begin in range(0, len(batch), BATCH // 4):
                client.insert("passages", [_entity(given, one) for one in batch[begin : begin + BATCH // 4]])
        client.flush("passages")
        client.load_collection("passages")
        client.close()

    def __init__(self, given: Given, folder: Path) -> None:
        self._given, self._client = given, _client(folder)
        self._client.load_collection("passages")
        self._asked = {"dense": [one.tolist() for one in given.asked_dense]}
        self._asked |= {
            kind: [_entries(given, kind, row, asked=True) for row in range(len(given.queries))]
            for kind in given.weighted
        }

    def search(self, mode: str, row: int, k: int, effort: float) -> list[Any]:
        where = WHERE if mode.startswith("filtered") else ""
        kind = mode.removeprefix("filtered-")
        if kind in self._asked:
            params = {"metric_type": "IP", "params": {"ef": max(k, int(effort))} if kind == "dense" else {}}
            asked = {"data": [self._asked[kind][row]], "anns_field": kind, "search_params": params}
            found = self._client.search("passages", limit=k, filter=where, **asked)
        else:
            found = self._fused(row, k, effort, where)
        return [one["id"] for one in found[0]]

    def _fused(self, row: int, k: int, effort: float, where: str) -> Any:
        from pymilvus import AnnSearchRequest, RRFRanker

        params = {"lexical": {}, "dense": {"ef": max(DEPTH, int(effort))}}
        asked = [
            AnnSearchRequest(
                [self._asked[kind][row]], kind, {"metric_type": "IP", "params": each}, DEPTH, expr=where or None
            )
            for kind, each in params.items()
        ]
        return self._client.hybrid_search("passages", asked, RRFRanker(K_FUSED), limit=k)


def _client(folder: Path) -> Any:
    from pymilvus import MilvusClient

    os.environ["no_proxy"] = "127.0.0.1,localhost"
    folder.mkdir(parents=True, exist_ok=True)
    return MilvusClient(str(folder / "passages.db"))


def _entries(given: Given, kind: str, row: int, *, asked: bool = False) -> dict[int, float]:
    columns, weights = given.row(kind, row, asked=asked)
    return dict(zip(columns.tolist(), weights.tolist(), strict=True))


def _entity(given: Given, one: dict[str, Any]) -> dict[str, Any]:
    row = int(one["id"])
    text = f"{one['title']}\n{one['text']}".encode()[:65_000].decode(errors="ignore")
    told: dict[str, Any] = {
        "id": row,
        "text": text,
        "draw": one["metadata"]["draw"],
        "dense": given.dense[row].tolist(),
    }
    return told | {kind: _entries(given, kind, row) for kind in given.weighted}


ENGINES: dict[str, type[Engine]] = {
    "vizsla": Vizsla,
    "vizsla-results": VizslaResults,
    "vizsla-flat": VizslaFlat,
    "qdrant-edge": QdrantEdge,
    "lancedb": LanceDB,
    "milvus-lite": MilvusLite,
    "bm25s+faiss": ByHand,
}
SHARED: dict[str, str] = {"vizsla-results": "vizsla"}
"""Engines that search what another one built."""
