"""The tree of routes."""


class Node:
    """A position in the tree, reached by one segment of a path."""

    def __init__(self, segment=None):
        self.segment = segment
        self.static = {}
        self.parameters = []
        self.handlers = {}

    def child_for(self, segment):
        """Return the child for a segment of a route, creating it if needed."""
        if segment.is_static:
            return self.static.setdefault(segment.text, Node(segment))
        for child in self.parameters:
            if child.segment == segment:
                return child
        child = Node(segment)
        self.parameters.append(child)
        self.parameters.sort(key=lambda node: node.segment.converter.rank)
        return child


class RouteTree:
    """All routes, one level for each segment."""

    def __init__(self):
        self.root = Node()

    def insert(self, segments):
        """Return the node for a route."""
        node = self.root
        for segment in segments:
            node = node.child_for(segment)
        return node

    def find(self, parts):
        """Return the node for the parts of a path and its parameters, or None."""
        node = self.root
        params = {}
        for part in parts:
            if part in node.static:
                node = node.static[part]
                continue
            for child in node.parameters:
                try:
                    value = child.segment.converter.parse(part)
                except ValueError:
                    continue
                params[child.segment.text] = value
                node = child
                break
            else:
                return None
        if not node.handlers:
            return None
        return node, params
